/*
 * Reads to one sorted BAM a sample: every lane is split, its chunks are aligned as parts of the lane, and all that
 * belongs to a sample is merged in order. A sample of which a part fails is left out whole.
 */

include { GENOSEQ_ALIGN } from '../modules/genoseq/align'
include { GENOSEQ_INDEX } from '../modules/genoseq/index'
include { GENOSEQ_INDEXMERGE } from '../modules/genoseq/indexmerge'
include { GENOSEQ_INDEXSHARD } from '../modules/genoseq/indexshard'
include { GENOSEQ_REPORT as ALIGN_REPORT } from '../modules/genoseq/report'
include { GENOSEQ_SETTINGS } from '../modules/genoseq/settings'
include { GENOSEQ_SPLIT } from '../modules/genoseq/split'
include { SAMTOOLS_MERGE } from '../modules/samtools/merge'
include { SAMTOOLS_STATS } from '../modules/samtools/stats'
include { partsOf } from '../parts'

workflow ALIGN {
    take:
    lanes       // [meta, [fastq_1, fastq_2]], meta: id (sample), lane, row (of the sheet), lanes (of the sample), kind
    genome      // list: [meta, FASTA], meta: id, if there is no index
    given_index // list: an index, or nothing
    chunk_reads // reads in a chunk; 0: lanes stay whole
    shards      // tasks that build the index

    main:
    def index = channel.value(given_index)
    versions = channel.empty()
    if (!given_index && shards > 1) {
        GENOSEQ_INDEXSHARD(genome[0], channel.of(1..shards), shards)
        def all_shards = GENOSEQ_INDEXSHARD.out.shard.toSortedList { shard -> shard.name }
        GENOSEQ_INDEXMERGE(all_shards.map { some -> [genome[0][0], some] })
        index = GENOSEQ_INDEXMERGE.out.index
        versions = versions.mix(GENOSEQ_INDEXSHARD.out.versions, GENOSEQ_INDEXMERGE.out.versions)
    }
    else if (!given_index) {
        GENOSEQ_INDEX(genome[0])
        index = GENOSEQ_INDEX.out.index
        versions = versions.mix(GENOSEQ_INDEX.out.versions)
    }

    // [meta, reads, settings], meta: + chunk, chunks (of the lane), order, parts (of the sample), part (name)
    def whole = lanes
    if (chunk_reads > 0) {
        GENOSEQ_SPLIT(lanes, chunk_reads)
        versions = versions.mix(GENOSEQ_SPLIT.out.versions)
        whole = GENOSEQ_SPLIT.out.chunks
    }
    def parts = whole
        .map { meta, files -> tuple(groupKey(meta.id, meta.lanes), meta, files) }
        .groupTuple()
        .flatMap { _id, metas, files -> partsOf(metas, files) }
        .branch { meta, _reads ->
            several: meta.chunks > 1
            one: true
        }

    GENOSEQ_SETTINGS(parts.several.filter { meta, _reads -> meta.chunk == 1 }, index)
    def seen = GENOSEQ_SETTINGS.out.settings.map { meta, settings -> [meta.row, settings] }
    def ready = parts.several
        .map { meta, reads -> [meta.row, meta, reads] }
        .combine(seen, by: 0)
        .map { _row, meta, reads, settings -> [meta, reads, settings] }
        .mix(parts.one.map { meta, reads -> [meta, reads, []] })

    GENOSEQ_ALIGN(ready, index)
    def samples = GENOSEQ_ALIGN.out.aligned
        .map { meta, bam, bai, summary -> tuple(groupKey(meta.id, meta.parts), meta.order, bam, bai, summary) }
        .groupTuple()
        .map { id, places, bams, bais, summaries ->
            def in_order = [places, bams, bais, summaries].transpose().sort { part -> part[0] }.transpose()
            [[id: id.toString()]] + in_order.tail()
        }
        .branch { _meta, bams, _bais, _summaries ->
            several: bams.size() > 1
            one: true
        }

    SAMTOOLS_MERGE(samples.several.map { meta, bams, _bais, _summaries -> [meta, bams] })
    bam = samples.one.map { meta, bams, bais, _summaries -> [meta, bams[0], bais[0]] }.mix(SAMTOOLS_MERGE.out.bam)
    SAMTOOLS_STATS(bam)
    ALIGN_REPORT(samples.several.mix(samples.one).map { meta, _bams, _bais, summaries -> [meta, summaries] })
    skipped = lanes
        .map { meta, _reads -> [meta.id, meta.row] }
        .unique { sample -> sample[0] }
        .join(bam.map { meta, _bam, _bai -> [meta.id, true] }, remainder: true)
        .filter { _id, _row, done -> !done }
        .map { id, _row, _done -> id }
    reports = SAMTOOLS_STATS.out.reports.mix(ALIGN_REPORT.out.multiqc).flatten()
    versions = versions.mix(
        GENOSEQ_SETTINGS.out.versions, GENOSEQ_ALIGN.out.versions, SAMTOOLS_MERGE.out.versions,
        SAMTOOLS_STATS.out.versions, ALIGN_REPORT.out.versions,
    )

    emit:
    bam
    skipped
    reports
    versions
}
