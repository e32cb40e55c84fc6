// Peptides for one target: table, FASTA and page.
process GENOSEQ_PEPTIDES {
    tag "${meta.id}"
    label 'process_medium'
    label 'process_gpu'
    label 'sample'
    label 'genoseq_models'

    conda "${moduleDir}/environment.yml"

    input:
    tuple val(meta), path(target)
    path decoys

    output:
    tuple val(meta), path("${prefix}.tsv"), emit: table
    tuple val(meta), path("${prefix}.fa"), emit: fasta
    tuple val(meta), path("${prefix}.html"), emit: page
    tuple val("${task.process}"), val('genoseq'), eval("genoseq --version | cut -d ' ' -f 2"), topic: versions, emit: versions

    script:
    def args = task.ext.args ?: ''
    prefix = task.ext.prefix ?: "${meta.id}.peptides"
    def against = decoys ? "--decoys ${decoys}" : ''
    """
    genoseq peptides ${args} ${against} -t ${task.cpus} ${target} \\
        -o ${prefix}.tsv --fasta ${prefix}.fa --report ${prefix}.html
    """

    stub:
    prefix = task.ext.prefix ?: "${meta.id}.peptides"
    """
    touch ${prefix}.tsv ${prefix}.fa ${prefix}.html
    """
}
