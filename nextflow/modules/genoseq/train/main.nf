// A classifier from a labelled table, once for all files.
process GENOSEQ_TRAIN {
    tag "${labelled}"
    label 'process_medium'
    label 'genoseq'

    conda "${moduleDir}/environment.yml"

    input:
    path labelled

    output:
    path 'model', emit: model
    tuple val("${task.process}"), val('genoseq'), eval("genoseq --version | cut -d ' ' -f 2"), topic: versions, emit: versions

    script:
    def args = task.ext.args ?: ''
    """
    genoseq train classifier ${args} -t ${task.cpus} ${labelled} -o model
    """

    stub:
    """
    mkdir model
    touch model/settings.json
    """
}
