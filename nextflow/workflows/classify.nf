/*
 * Sequences to labels: a classifier is learned once, or given, and labels every file.
 */

include { GENOSEQ_CLASSIFY } from '../modules/genoseq/classify'
include { GENOSEQ_REPORT as CLASSIFY_REPORT } from '../modules/genoseq/report'
include { GENOSEQ_TRAIN } from '../modules/genoseq/train'

workflow CLASSIFY {
    take:
    sequences  // [meta, FASTA], meta: id
    labelled   // list: a table of labelled sequences, if there is no classifier
    classifier // list: a model of `genoseq train`, or nothing

    main:
    def model = channel.value(classifier)
    versions = channel.empty()
    if (!classifier) {
        GENOSEQ_TRAIN(labelled)
        model = GENOSEQ_TRAIN.out.model
        versions = GENOSEQ_TRAIN.out.versions
    }
    GENOSEQ_CLASSIFY(sequences, model)
    labels = GENOSEQ_CLASSIFY.out.labels
    CLASSIFY_REPORT(labels)
    reports = CLASSIFY_REPORT.out.multiqc
    versions = versions.mix(GENOSEQ_CLASSIFY.out.versions, CLASSIFY_REPORT.out.versions)

    emit:
    labels
    reports
    versions
}
