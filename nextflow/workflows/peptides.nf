/*
 * Targets to ranked peptides: a task for each protein of each file.
 */

include { GENOSEQ_PEPTIDES } from '../modules/genoseq/peptides'
include { GENOSEQ_REPORT as PEPTIDES_REPORT } from '../modules/genoseq/report'

workflow PEPTIDES {
    take:
    targets // [meta, FASTA with any number of proteins], meta: id
    decoys  // list: proteins that the peptides shall not bind, or nothing

    main:
    // targets.fa with three proteins is targets.1.fa, targets.2.fa, targets.3.fa
    def proteins = targets
        .splitFasta(by: 1, file: true, elem: 1)
        .map { meta, path -> [[id: "${meta.id}.${path.baseName.tokenize('.').last()}".toString()], path] }
    GENOSEQ_PEPTIDES(proteins, decoys)
    PEPTIDES_REPORT(GENOSEQ_PEPTIDES.out.table)
    table = GENOSEQ_PEPTIDES.out.table
    reports = PEPTIDES_REPORT.out.multiqc
    versions = GENOSEQ_PEPTIDES.out.versions.mix(PEPTIDES_REPORT.out.versions)

    emit:
    table
    reports
    versions
}
