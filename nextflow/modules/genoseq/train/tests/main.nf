// A model that knows the families of the table.
include { GENOSEQ_TRAIN } from '../main'

workflow {
    GENOSEQ_TRAIN(file("${projectDir}/../../../../../data/families.tsv.gz"))
    GENOSEQ_TRAIN.out.model.toList().subscribe { found ->
        assert found.collect { model -> model.name } == ['model']
        assert (found[0] / 'config.json').text.contains('"tyrosine phosphatase"')
        assert (found[0] / 'counts.npz').size() > 0
    }
    GENOSEQ_TRAIN.out.versions.toList().subscribe { found ->
        assert "${found}" ==~ /\[\[GENOSEQ_TRAIN, genoseq, \d\S+]]/
    }
}
