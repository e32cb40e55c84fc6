// Labels of the sequences of a file.
process GENOSEQ_CLASSIFY {
    tag "${meta.id}"
    label 'process_medium'
    label 'sample'
    label 'genoseq_models'

    conda "${moduleDir}/environment.yml"

    input:
    tuple val(meta), path(sequences)
    path model

    output:
    tuple val(meta), path("${prefix}.tsv"), emit: labels
    tuple val("${task.process}"), val('genoseq'), eval("genoseq --version | cut -d ' ' -f 2"), topic: versions, emit: versions

    script:
    def args = task.ext.args ?: ''
    prefix = task.ext.prefix ?: "${meta.id}.labels"
    """
    genoseq classify ${args} -t ${task.cpus} -m ${model} -o ${prefix}.tsv ${sequences}
    """

    stub:
    prefix = task.ext.prefix ?: "${meta.id}.labels"
    """
    touch ${prefix}.tsv
    """
}
