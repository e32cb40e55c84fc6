// The index of a genome from its parts.
process GENOSEQ_INDEXMERGE {
    tag "${meta.id}"
    label 'process_low'
    label 'genoseq'

    conda "${moduleDir}/environment.yml"

    input:
    tuple val(meta), path(shards, stageAs: 'shards/*')

    output:
    path "${prefix}.gsx", emit: index
    tuple val("${task.process}"), val('genoseq'), eval("genoseq --version | cut -d ' ' -f 2"), topic: versions, emit: versions

    script:
    def args = task.ext.args ?: ''
    prefix = task.ext.prefix ?: meta.id
    """
    genoseq index ${args} -t ${task.cpus} --merge shards/* -o ${prefix}.gsx
    """

    stub:
    prefix = task.ext.prefix ?: meta.id
    """
    mkdir ${prefix}.gsx
    touch ${prefix}.gsx/manifest.json
    """
}
