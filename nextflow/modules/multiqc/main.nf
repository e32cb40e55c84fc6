// One report of all samples and workflows.
process MULTIQC {
    label 'process_low'
    label 'multiqc'

    conda "${moduleDir}/environment.yml"

    input:
    path reports, stageAs: '?/*'
    path versions
    path config

    output:
    path 'multiqc_report.html', emit: page
    path 'multiqc_data', emit: data
    tuple val("${task.process}"), val('multiqc'), eval("multiqc --version | sed 's/.* //'"), topic: versions, emit: versions

    script:
    def args = task.ext.args ?: ''
    """
    multiqc ${args} --force --no-ansi --config ${config} .
    """

    stub:
    """
    mkdir multiqc_data
    touch multiqc_report.html multiqc_data/multiqc_data.json
    """
}
