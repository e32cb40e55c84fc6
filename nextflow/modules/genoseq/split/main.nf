// The reads of a lane in chunks that can be aligned one by one as the whole would be.
process GENOSEQ_SPLIT {
    tag "${meta.id}, lane ${meta.lane}"
    label 'process_low'
    label 'sample'
    label 'genoseq'

    conda "${moduleDir}/environment.yml"

    input:
    tuple val(meta), path(reads, arity: '1..2', stageAs: '?/*')
    val chunk_reads

    output:
    tuple val(meta), path('chunks/*', arity: '1..*'), emit: chunks
    tuple val("${task.process}"), val('genoseq'), eval("genoseq --version | cut -d ' ' -f 2"), topic: versions, emit: versions

    script:
    def args = task.ext.args ?: ''
    """
    genoseq split ${args} -t ${task.cpus} --reads ${chunk_reads} -o chunks ${reads}
    """

    stub:
    """
    mkdir chunks
    touch ${meta.kind == 'paired reads' ? 'chunks/0001_1.fq.gz chunks/0001_2.fq.gz chunks/0002_1.fq.gz chunks/0002_2.fq.gz' : 'chunks/0001.fq.gz chunks/0002.fq.gz'}
    """
}
