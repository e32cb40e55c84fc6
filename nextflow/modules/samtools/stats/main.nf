// What samtools says of a BAM.
process SAMTOOLS_STATS {
    tag "${meta.id}"
    label 'process_low'
    label 'sample'
    label 'genoseq'

    conda "${moduleDir}/environment.yml"

    input:
    tuple val(meta), path(bam), path(bai)

    output:
    path "${prefix}.*", emit: reports
    tuple val("${task.process}"), val('samtools'), eval("samtools --version | sed -n '1s/samtools //p'"), topic: versions, emit: versions

    script:
    def args = task.ext.args ?: ''
    prefix = task.ext.prefix ?: meta.id
    """
    samtools flagstat -@ ${task.cpus - 1} ${bam} > ${prefix}.flagstat
    samtools stats ${args} -@ ${task.cpus - 1} ${bam} > ${prefix}.stats
    """

    stub:
    prefix = task.ext.prefix ?: meta.id
    """
    touch ${prefix}.flagstat ${prefix}.stats
    """
}
