// The index of a genome from its parts.
process GENOSEQ_INDEXMERGE {
    tag "${fasta}"
    label 'process_low'
    label 'genoseq'

    conda "${moduleDir}/environment.yml"

    input:
    path fasta
    path shards, stageAs: 'shards/*'

    output:
    path "${fasta.simpleName}.gsx", emit: index
    tuple val("${task.process}"), val('genoseq'), eval("genoseq --version | cut -d ' ' -f 2"), topic: versions, emit: versions

    script:
    def args = task.ext.args ?: ''
    """
    genoseq index ${args} -t ${task.cpus} --merge shards/* -o ${fasta.simpleName}.gsx
    """

    stub:
    """
    mkdir ${fasta.simpleName}.gsx
    touch ${fasta.simpleName}.gsx/manifest.json
    """
}
