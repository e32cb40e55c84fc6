// A genome embedded: the index, a folder.
process GENOSEQ_INDEX {
    tag "${meta.id}"
    label 'process_medium'
    label 'genoseq'

    conda "${moduleDir}/environment.yml"

    input:
    tuple val(meta), path(fasta)

    output:
    path "${prefix}.gsx", emit: index
    tuple val("${task.process}"), val('genoseq'), eval("genoseq --version | cut -d ' ' -f 2"), topic: versions, emit: versions

    script:
    def args = task.ext.args ?: ''
    prefix = task.ext.prefix ?: meta.id
    """
    genoseq index ${args} -t ${task.cpus} -o ${prefix}.gsx ${fasta}
    """

    stub:
    prefix = task.ext.prefix ?: meta.id
    """
    mkdir ${prefix}.gsx
    touch ${prefix}.gsx/manifest.json
    """
}
