/*
 * Variants to scored variants: a file is cut into chunks of consecutive records, which are scored apart and put
 * together again.
 */

include { BCFTOOLS_CONCAT } from '../modules/bcftools/concat'
include { BCFTOOLS_SCATTER } from '../modules/bcftools/scatter'
include { GENOSEQ_REPORT as VARIANTS_REPORT } from '../modules/genoseq/report'
include { GENOSEQ_VARIANTS } from '../modules/genoseq/variants'

workflow VARIANTS {
    take:
    calls         // [meta, VCF or BCF], meta: id
    fasta         // list: the genome
    chunk_records // records in a chunk

    main:
    BCFTOOLS_SCATTER(calls, chunk_records)
    def parts = BCFTOOLS_SCATTER.out.chunks.flatMap { meta, files ->
        def paths = (files instanceof List ? files : [files]).sort { path -> (path.name =~ /\d+/)[0].toInteger() }
        paths.indexed().collect { number, path ->
            [meta + [chunk: number, parts: paths.size(), part: "${meta.id}.${number + 1}"], path]
        }
    }
    // its indexes let a task read only the sequence that it needs
    def reference = fasta.collectMany { path -> [path, file("${path}.fai"), file("${path}.gzi")] }
    GENOSEQ_VARIANTS(parts, reference.findAll { path -> path.exists() })

    def scored = GENOSEQ_VARIANTS.out.vcf
        .map { meta, vcf -> tuple(groupKey(meta.id, meta.parts), meta.chunk, vcf) }
        .groupTuple()
        .map { id, numbers, files ->
            def in_order = [numbers, files].transpose().sort { part -> part[0] }.transpose()
            [[id: id.toString()], in_order[1]]
        }
    BCFTOOLS_CONCAT(scored)
    VARIANTS_REPORT(BCFTOOLS_CONCAT.out.vcf.map { meta, vcf, _index -> [meta, vcf] })
    vcf = BCFTOOLS_CONCAT.out.vcf
    reports = VARIANTS_REPORT.out.multiqc
    versions = BCFTOOLS_SCATTER.out.versions.mix(
        GENOSEQ_VARIANTS.out.versions, BCFTOOLS_CONCAT.out.versions, VARIANTS_REPORT.out.versions
    )

    emit:
    vcf
    reports
    versions
}
