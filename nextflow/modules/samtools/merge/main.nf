// Sorted parts of a sample, in their order, as one sorted and indexed BAM.
process SAMTOOLS_MERGE {
    tag "${meta.id}"
    label 'process_low'
    label 'sample'
    label 'genoseq'

    conda "${moduleDir}/environment.yml"

    input:
    tuple val(meta), path(bams, stageAs: '?/*')

    output:
    tuple val(meta), path("${prefix}.bam"), path("${prefix}.bam.bai"), emit: bam
    tuple val("${task.process}"), val('samtools'), eval("samtools --version | sed -n '1s/samtools //p'"), topic: versions, emit: versions

    script:
    def args = task.ext.args ?: ''
    prefix = task.ext.prefix ?: meta.id
    """
    samtools merge ${args} -c -p -@ ${task.cpus - 1} --write-index -o ${prefix}.bam##idx##${prefix}.bam.bai ${bams}
    """

    stub:
    prefix = task.ext.prefix ?: meta.id
    """
    touch ${prefix}.bam ${prefix}.bam.bai
    """
}
