// Chunks of variants in their order as one file, with its index.
process BCFTOOLS_CONCAT {
    tag "${meta.id}"
    label 'process_low'
    label 'sample'
    label 'genoseq'

    conda "${moduleDir}/environment.yml"

    input:
    tuple val(meta), path(parts, stageAs: '?/*')

    output:
    tuple val(meta), path("${prefix}.vcf.gz"), path("${prefix}.vcf.gz.tbi"), emit: vcf
    tuple val("${task.process}"), val('bcftools'), eval("bcftools --version | sed -n '1s/bcftools //p'"), topic: versions, emit: versions

    script:
    def args = task.ext.args ?: ''
    prefix = task.ext.prefix ?: "${meta.id}.scored"
    """
    bcftools concat ${args} --naive -o ${prefix}.vcf.gz ${parts}
    bcftools index --tbi --threads ${task.cpus - 1} ${prefix}.vcf.gz
    """

    stub:
    prefix = task.ext.prefix ?: "${meta.id}.scored"
    """
    touch ${prefix}.vcf.gz ${prefix}.vcf.gz.tbi
    """
}
