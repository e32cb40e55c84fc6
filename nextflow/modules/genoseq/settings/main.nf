// Preset and insert size by the first reads of a lane, for all of its chunks.
process GENOSEQ_SETTINGS {
    tag "${meta.id}, lane ${meta.lane}"
    label 'process_medium'
    label 'sample'
    label 'genoseq'

    conda "${moduleDir}/environment.yml"

    input:
    tuple val(meta), path(reads, arity: '1..2', stageAs: '?/*')
    path index

    output:
    tuple val(meta), path('settings.json'), emit: settings
    tuple val("${task.process}"), val('genoseq'), eval("genoseq --version | cut -d ' ' -f 2"), topic: versions, emit: versions

    script:
    def args = task.ext.args ?: ''
    """
    genoseq align ${args} -t ${task.cpus} -x ${index} ${reads} --settings-only --json settings.json
    """

    stub:
    """
    touch settings.json
    """
}
