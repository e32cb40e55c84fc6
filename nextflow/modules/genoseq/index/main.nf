// A genome embedded: the index, a folder.
process GENOSEQ_INDEX {
    tag "${fasta}"
    label 'process_medium'
    label 'genoseq'

    conda "${moduleDir}/environment.yml"

    input:
    path fasta

    output:
    path "${fasta.simpleName}.gsx", emit: index
    tuple val("${task.process}"), val('genoseq'), eval("genoseq --version | cut -d ' ' -f 2"), topic: versions, emit: versions

    script:
    def args = task.ext.args ?: ''
    """
    genoseq index ${args} -t ${task.cpus} -o ${fasta.simpleName}.gsx ${fasta}
    """

    stub:
    """
    mkdir ${fasta.simpleName}.gsx
    touch ${fasta.simpleName}.gsx/manifest.json
    """
}
