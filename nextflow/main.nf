#!/usr/bin/env nextflow
/*
 * genoseq over many files and machines. Each workflow is a file in workflows/, each step a module in modules/
 * that calls a command; everything is checked before the first task starts.
 */

include { checkInputs ; chosenWorkflows ; skippedTasks } from './checks'
include { helpOf } from './help'
include { named ; pathOf ; pathsOf } from './schema'
include { readSamplesheet } from './sheet'
include { ALIGN } from './workflows/align'
include { CLASSIFY } from './workflows/classify'
include { PEPTIDES } from './workflows/peptides'
include { VARIANTS } from './workflows/variants'
include { MULTIQC } from './modules/multiqc'

workflow {
    main:
    def schema = file("${workflow.projectDir}/nextflow_schema.json")
    if (params.keySet().intersect(['help', 'version'])) {
        println(params.containsKey('help') ? helpOf(schema) : "${workflow.manifest.name} ${workflow.manifest.version}")
        return
    }
    checkInputs(params, args - 'true', schema) // of -stub-run Nextflow leaves a word, true
    def chosen = chosenWorkflows(params.workflow)
    def genome = pathOf(params.fasta)
    def reports = channel.empty()
    def versions = channel.empty()

    if ('align' in chosen) {
        def lanes = readSamplesheet(pathOf(params.input)[0], file("${workflow.projectDir}/assets/schema_input.json"))
        ALIGN(channel.fromList(lanes), named(genome), pathOf(params.index), params.chunkReads as int, params.indexShards as int)
        def samples = lanes.collect { meta, _reads -> meta.id }.unique().size()
        ALIGN.out.skipped.toSortedList().subscribe { ids ->
            def list = file("${params.outdir}/pipeline_info/skipped_samples.txt")
            list.delete() // that of a run before
            if (ids)
                list.text = ids.join('\n') + '\n'
            if (ids.size() == samples)
                log.warn("every sample was skipped: there is no BAM")
        }
        reports = reports.mix(ALIGN.out.reports)
        versions = versions.mix(ALIGN.out.versions)
    }
    if ('variants' in chosen) {
        VARIANTS(channel.fromList(named(pathsOf(params.calls))), genome, params.chunkRecords as int)
        reports = reports.mix(VARIANTS.out.reports)
        versions = versions.mix(VARIANTS.out.versions)
    }
    if ('classify' in chosen) {
        CLASSIFY(channel.fromList(named(pathsOf(params.sequences))), pathOf(params.labelled), pathOf(params.classifier))
        reports = reports.mix(CLASSIFY.out.reports)
        versions = versions.mix(CLASSIFY.out.versions)
    }
    if ('peptides' in chosen) {
        PEPTIDES(channel.fromList(named(pathsOf(params.targets))), pathOf(params.decoys))
        reports = reports.mix(PEPTIDES.out.reports)
        versions = versions.mix(PEPTIDES.out.versions)
    }

    // GENOSEQ_ALIGN: {genoseq: 0.1.0}. All at once at the end: where a run is cancelled while collectFile writes,
    // Nextflow ends with an error of its own, and kills the tasks that it would wait for.
    def software = versions
        .unique()
        .map { process, tool, version -> "${process.tokenize(':').last()}:\n  ${tool}: '${version}'\n" }
        .toSortedList()
        .flatMap { lines -> lines }
        .collectFile(name: 'genoseq_mqc_versions.yml', storeDir: "${params.outdir}/pipeline_info", sort: false)
    MULTIQC(reports.collect(), software, file("${workflow.projectDir}/assets/multiqc_config.yml"))

    workflow.onComplete = {
        if (params.skipBadSamples.toString() == 'true')
            skippedTasks(file("${params.outdir}/pipeline_info/trace.txt")).each { line -> log.warn(line) }
        if (workflow.success)
            log.info("Report      : ${params.outdir}/multiqc/multiqc_report.html")
    }
}
