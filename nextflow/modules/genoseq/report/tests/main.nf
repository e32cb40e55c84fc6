// A page, and a file for MultiQC, from labels.
include { GENOSEQ_CLASSIFY } from '../../classify/main'
include { GENOSEQ_REPORT } from '../main'
include { GENOSEQ_TRAIN } from '../../train/main'

workflow {
    def data = file("${projectDir}/../../../../../data")
    GENOSEQ_TRAIN(data / 'families.tsv.gz')
    GENOSEQ_CLASSIFY([[id: 'genes'], data / 'genes.fa.gz'], GENOSEQ_TRAIN.out.model)
    GENOSEQ_REPORT(GENOSEQ_CLASSIFY.out.labels)
    GENOSEQ_REPORT.out.page.toList().subscribe { found ->
        assert found.collect { meta, page -> [meta, page.name] } == [[[id: 'genes'], 'genes.html']]
        assert found[0][1].text.contains('tyrosine kinase')
    }
    GENOSEQ_REPORT.out.multiqc.flatten().toList().subscribe { found ->
        assert found.collect { path -> path.name } == ['genes.genoseq_classes_mqc.json']
        assert found[0].text.contains('"tyrosine kinase": 16')
    }
    GENOSEQ_REPORT.out.versions.toList().subscribe { found ->
        assert "${found}" ==~ /\[\[GENOSEQ_REPORT, genoseq, \d\S+]]/
    }
}
