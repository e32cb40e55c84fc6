// The index of two shards is that of the whole genome, byte for byte.
include { GENOSEQ_INDEX } from '../../index/main'
include { GENOSEQ_INDEXMERGE } from '../main'
include { GENOSEQ_INDEXSHARD } from '../../indexshard/main'

workflow {
    def genome = [[id: 'genome'], file("${projectDir}/../../../../../data/genome.fa.gz")]
    GENOSEQ_INDEX(genome)
    GENOSEQ_INDEXSHARD(genome, channel.of(1..2), 2)
    GENOSEQ_INDEXMERGE(GENOSEQ_INDEXSHARD.out.shard.toList().map { shards -> [genome[0], shards] })
    GENOSEQ_INDEXMERGE.out.index.mix(GENOSEQ_INDEX.out.index).toList().subscribe { found ->
        assert found.collect { index -> index.name } == ['genome.gsx', 'genome.gsx']
        def (merged, whole) = found.collect { index ->
            index.listFiles().collectEntries { path -> [path.name, path.bytes.md5()] }
        }
        assert merged.size() > 0
        assert merged == whole
    }
    GENOSEQ_INDEXMERGE.out.versions.toList().subscribe { found ->
        assert "${found}" ==~ /\[\[GENOSEQ_INDEXMERGE, genoseq, \d\S+]]/
    }
}
