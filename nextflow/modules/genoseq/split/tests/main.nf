// 9,000 pairs make two chunks, the first a batch of `genoseq align`: 16,384 reads.
include { GENOSEQ_SPLIT } from '../main'

workflow {
    def mates = (1..2).collect { mate -> file("${projectDir}/../../../../../data/pairs_${mate}.fq.gz") }
    def lane = [id: 'pairs', lane: '1', kind: 'paired reads']
    def many = channel.of(1..6).flatMap { mates }.collectFile { path -> [path.name, path] }
    GENOSEQ_SPLIT(many.toSortedList { path -> path.name }.map { reads -> [lane, reads] }, 1000)
    GENOSEQ_SPLIT.out.chunks.toList().subscribe { found ->
        assert found.collect { meta, _chunks -> meta } == [lane]
        assert found[0][1].collectEntries { path -> [path.name, path.countFastq()] } == [
            '0001_1.fq.gz': 8192, '0001_2.fq.gz': 8192, '0002_1.fq.gz': 808, '0002_2.fq.gz': 808,
        ]
    }
    GENOSEQ_SPLIT.out.versions.toList().subscribe { found ->
        assert "${found}" ==~ /\[\[GENOSEQ_SPLIT, genoseq, \d\S+]]/
    }
}
