// Two tasks make two parts.
include { GENOSEQ_INDEXSHARD } from '../main'

workflow {
    def genome = file("${projectDir}/../../../../../data/genome.fa.gz")
    GENOSEQ_INDEXSHARD([[id: 'genome'], genome], channel.of(1..2), 2)
    GENOSEQ_INDEXSHARD.out.shard.toSortedList { shard -> shard.name }.subscribe { found ->
        assert found.collect { shard -> shard.name } == ['1.shard', '2.shard']
        assert found.every { shard -> (shard / 'manifest.json').text.contains('"chr20a"') }
    }
    GENOSEQ_INDEXSHARD.out.versions.unique().toList().subscribe { found ->
        assert "${found}" ==~ /\[\[GENOSEQ_INDEXSHARD, genoseq, \d\S+]]/
    }
}
