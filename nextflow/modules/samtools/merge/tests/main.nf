// Two sorted parts of a sample as one, with all reads and an index.
include { GENOSEQ_ALIGN } from '../../../genoseq/align/main'
include { GENOSEQ_INDEX } from '../../../genoseq/index/main'
include { SAMTOOLS_MERGE } from '../main'
include { SAMTOOLS_STATS } from '../../stats/main'

workflow {
    def data = file("${projectDir}/../../../../../data")
    def parts = channel.of('reads', 'reads_foreign').map { name ->
        [[id: 'one', lane: '1', kind: 'single reads', parts: 2, part: name], [data / "${name}.fq.gz"], []]
    }
    GENOSEQ_INDEX([[id: 'genome'], data / 'genome.fa.gz'])
    GENOSEQ_ALIGN(parts, GENOSEQ_INDEX.out.index)
    def bams = GENOSEQ_ALIGN.out.aligned.map { _meta, bam, _bai, _summary -> bam }.toList()
    SAMTOOLS_MERGE(bams.map { paths -> [[id: 'one'], paths] })
    SAMTOOLS_MERGE.out.bam.toList().subscribe { found ->
        assert found.collect { meta, bam, bai -> [meta, bam.name, bai.name] } == [
            [[id: 'one'], 'one.bam', 'one.bam.bai']
        ]
    }
    SAMTOOLS_STATS(SAMTOOLS_MERGE.out.bam)
    SAMTOOLS_STATS.out.reports.flatten().toSortedList { path -> path.name }.subscribe { found ->
        assert found[0].text.startsWith('2500 + 0 in total')
        assert found[1].text.contains('is sorted:\t1')
    }
    SAMTOOLS_MERGE.out.versions.toList().subscribe { found ->
        assert "${found}" ==~ /\[\[SAMTOOLS_MERGE, samtools, \d\S+]]/
    }
}
