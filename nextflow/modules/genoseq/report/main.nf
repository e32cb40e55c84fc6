// One page, and the files for MultiQC, from what the other commands wrote of a sample.
process GENOSEQ_REPORT {
    tag "${meta.id}"
    label 'process_low'
    label 'sample'
    label 'genoseq'

    conda "${moduleDir}/environment.yml"

    input:
    tuple val(meta), path(results)

    output:
    tuple val(meta), path("${prefix}.html"), emit: page
    path '*_mqc.json', emit: multiqc
    tuple val("${task.process}"), val('genoseq'), eval("genoseq --version | cut -d ' ' -f 2"), topic: versions, emit: versions

    script:
    def args = task.ext.args ?: ''
    prefix = task.ext.prefix ?: meta.id
    """
    genoseq report ${args} --sample ${meta.id} -o ${prefix}.html --multiqc . ${results}
    """

    stub:
    prefix = task.ext.prefix ?: meta.id
    """
    touch ${prefix}.html ${prefix}.genoseq_general_mqc.json
    """
}
