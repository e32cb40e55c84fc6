// One part of the index of a genome.
process GENOSEQ_INDEXSHARD {
    tag "${meta.id} ${shard}/${shards}"
    label 'process_medium'
    label 'genoseq'

    conda "${moduleDir}/environment.yml"

    input:
    tuple val(meta), path(fasta)
    each shard
    val shards

    output:
    path "${shard}.shard", emit: shard
    tuple val("${task.process}"), val('genoseq'), eval("genoseq --version | cut -d ' ' -f 2"), topic: versions, emit: versions

    script:
    def args = task.ext.args ?: ''
    """
    genoseq index ${args} -t ${task.cpus} --shard ${shard}/${shards} -o ${shard}.shard ${fasta}
    """

    stub:
    """
    mkdir ${shard}.shard
    touch ${shard}.shard/manifest.json
    """
}
