// Every gene gets a label.
include { GENOSEQ_CLASSIFY } from '../main'
include { GENOSEQ_TRAIN } from '../../train/main'

workflow {
    def data = file("${projectDir}/../../../../../data")
    GENOSEQ_TRAIN(data / 'families.tsv.gz')
    GENOSEQ_CLASSIFY([[id: 'genes'], data / 'genes.fa.gz'], GENOSEQ_TRAIN.out.model)
    GENOSEQ_CLASSIFY.out.labels.toList().subscribe { found ->
        assert found.collect { meta, tsv -> [meta, tsv.name] } == [[[id: 'genes'], 'genes.labels.tsv']]
        def rows = found[0][1].readLines().findAll { line -> !line.startsWith('#') }
        assert rows.size() == 1 + (data / 'genes.fa.gz').countFasta()
        assert rows[0].startsWith('name\tlabel\t')
        assert rows[1].startsWith('gene22\tion channel\t')
    }
    GENOSEQ_CLASSIFY.out.versions.toList().subscribe { found ->
        assert "${found}" ==~ /\[\[GENOSEQ_CLASSIFY, genoseq, \d\S+]]/
    }
}
