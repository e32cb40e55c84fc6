// Variants scored by a language model; the reference is FASTA, and its .fai and .gzi where they are.
process GENOSEQ_VARIANTS {
    tag "${meta.part}"
    label 'process_medium'
    label 'process_gpu'
    label 'sample'
    label 'genoseq_models'

    conda "${moduleDir}/environment.yml"

    input:
    tuple val(meta), path(calls)
    path reference

    output:
    tuple val(meta), path("${prefix}.vcf.gz"), emit: vcf
    tuple val("${task.process}"), val('genoseq'), eval("genoseq --version | cut -d ' ' -f 2"), topic: versions, emit: versions

    script:
    def args = task.ext.args ?: ''
    prefix = task.ext.prefix ?: "${meta.part}.scored"
    """
    genoseq variants ${args} -t ${task.cpus} -r ${reference[0]} -o ${prefix}.vcf.gz ${calls}
    """

    stub:
    prefix = task.ext.prefix ?: "${meta.part}.scored"
    """
    touch ${prefix}.vcf.gz
    """
}
