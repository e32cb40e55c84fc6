// Consecutive records of a file in chunks: regions with as many variants each.
process BCFTOOLS_SCATTER {
    tag "${meta.id}"
    label 'process_low'
    label 'sample'
    label 'genoseq'

    conda "${moduleDir}/environment.yml"

    input:
    tuple val(meta), path(calls)
    val chunk_records

    output:
    tuple val(meta), path('chunks/*', arity: '1..*'), emit: chunks
    tuple val("${task.process}"), val('bcftools'), eval("bcftools --version | sed -n '1s/bcftools //p'"), topic: versions, emit: versions

    script:
    def args = task.ext.args ?: ''
    """
    mkdir chunks
    bcftools +scatter ${calls} ${args} --threads ${task.cpus - 1} -Oz -o chunks -p part -n ${chunk_records}
    # of a file without records scatter makes nothing
    [ -e chunks/part0.vcf.gz ] || bcftools view --threads ${task.cpus - 1} -Oz -o chunks/part0.vcf.gz ${calls}
    """

    stub:
    """
    mkdir chunks
    touch chunks/part0.vcf.gz chunks/part1.vcf.gz
    """
}
