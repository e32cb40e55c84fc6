// Both reports count the reads.
include { SAMTOOLS_STATS } from '../main'

workflow {
    def bam = file("${projectDir}/../../../../../data/unaligned.bam")
    SAMTOOLS_STATS([[id: 'reads'], bam, []])
    SAMTOOLS_STATS.out.reports.flatten().toSortedList { path -> path.name }.subscribe { found ->
        assert found.collect { path -> path.name } == ['reads.flagstat', 'reads.stats']
        assert found[0].text.startsWith('1000 + 0 in total')
        assert found[1].text.contains('raw total sequences:\t1000\t')
    }
    SAMTOOLS_STATS.out.versions.toList().subscribe { found ->
        assert "${found}" ==~ /\[\[SAMTOOLS_STATS, samtools, \d\S+]]/
    }
}
