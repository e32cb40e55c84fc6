// A folder that knows its contigs.
include { GENOSEQ_INDEX } from '../main'

workflow {
    GENOSEQ_INDEX([[id: 'genome'], file("${projectDir}/../../../../../data/genome.fa.gz")])
    GENOSEQ_INDEX.out.index.toList().subscribe { found ->
        assert found.collect { index -> index.name } == ['genome.gsx']
        assert (found[0] / 'manifest.json').text.findAll(/chr20\w/) == ['chr20a', 'chr20b', 'chr20c']
    }
    GENOSEQ_INDEX.out.versions.toList().subscribe { found ->
        assert "${found}" ==~ /\[\[GENOSEQ_INDEX, genoseq, \d\S+]]/
    }
}
