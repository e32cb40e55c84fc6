// Reads to sorted, indexed BAM; settings are of all reads of which these are a part, ext.args2 is for reads without.
process GENOSEQ_ALIGN {
    tag "${meta.part}"
    label 'process_high'
    label 'sample'
    label 'genoseq'

    conda "${moduleDir}/environment.yml"

    input:
    tuple val(meta), path(reads, arity: '1..2', stageAs: '?/*'), path(settings, arity: '0..*')
    path index

    output:
    tuple val(meta), path("${prefix}.bam"), path("${prefix}.bam.bai"), path("${prefix}.json"), emit: aligned
    tuple val("${task.process}"), val('genoseq'), eval("genoseq --version | cut -d ' ' -f 2"), topic: versions, emit: versions

    script:
    def args = task.ext.args ?: ''
    prefix = task.ext.prefix ?: meta.part
    def search = settings ? "--settings ${settings}" : task.ext.args2 ?: ''
    def level = meta.parts == 1 ? '' : '--level 1' // parts do not stay
    def group = meta.kind == 'alignments' ? '' : "--rg '@RG\\tID:${meta.id}.${meta.lane}\\tSM:${meta.id}'"
    """
    genoseq align ${args} ${search} ${group} -t ${task.cpus} -x ${index} ${reads} \\
        --sort ${level} -o ${prefix}.bam --json ${prefix}.json --statistics
    """

    stub:
    prefix = task.ext.prefix ?: meta.part
    """
    touch ${prefix}.bam ${prefix}.bam.bai ${prefix}.json
    """
}
