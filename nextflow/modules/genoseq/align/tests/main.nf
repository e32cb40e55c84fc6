// Pairs as a whole, which get a read group, and BAM as one of two parts, which keeps its own.
include { GENOSEQ_ALIGN } from '../main'
include { GENOSEQ_INDEX } from '../../index/main'

workflow {
    def data = file("${projectDir}/../../../../../data")
    def pairs = [id: 'pairs', lane: '1', kind: 'paired reads', parts: 1, part: 'pairs']
    def raw = [id: 'raw', lane: '2', kind: 'alignments', parts: 2, part: 'raw+2.1']
    def reads = channel.of(
        [pairs, [data / 'pairs_1.fq.gz', data / 'pairs_2.fq.gz'], []],
        [raw, [data / 'unaligned.bam'], []],
    )
    GENOSEQ_INDEX([[id: 'genome'], data / 'genome.fa.gz'])
    GENOSEQ_ALIGN(reads, GENOSEQ_INDEX.out.index)
    GENOSEQ_ALIGN.out.aligned.toSortedList { one, other -> one[0].id <=> other[0].id }.subscribe { found ->
        assert found.collect { meta, _bam, _bai, _summary -> meta } == [pairs, raw]
        assert found.collect { _meta, bam, bai, summary -> [bam.name, bai.name, summary.name] } == [
            ['pairs.bam', 'pairs.bam.bai', 'pairs.json'],
            ['raw+2.1.bam', 'raw+2.1.bam.bai', 'raw+2.1.json'],
        ]
        assert found.collect { _meta, bam, _bai, _summary -> groups(bam) } == [['ID:pairs.1'], ['ID:flowcell.1']]
        assert found[0][3].text.contains('"reads": 3000,')
        assert found[1][3].text.contains('"reads": 1000,')
        assert found.every { _meta, _bam, bai, _summary -> bai.size() > 0 }
    }
    GENOSEQ_ALIGN.out.versions.unique().toList().subscribe { found ->
        assert "${found}" ==~ /\[\[GENOSEQ_ALIGN, genoseq, \d\S+]]/
    }
}

def groups(bam) {
    return new java.util.zip.GZIPInputStream(bam.newInputStream()).text.findAll(/(?<=@RG\t)\S+/)
}
