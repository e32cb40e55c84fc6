// A page, and the table of samtools behind it.
include { MULTIQC } from '../main'
include { SAMTOOLS_STATS } from '../../samtools/stats/main'

workflow {
    def bam = file("${projectDir}/../../../../data/unaligned.bam")
    SAMTOOLS_STATS([[id: 'reads'], bam, []])
    MULTIQC(SAMTOOLS_STATS.out.reports, [], file("${projectDir}/../../../assets/multiqc_config.yml"))
    MULTIQC.out.data.mix(MULTIQC.out.page).toSortedList { path -> path.name }.subscribe { found ->
        assert found.collect { path -> path.name } == ['multiqc_data', 'multiqc_report.html']
        assert (found[0] / 'multiqc_samtools_stats.txt').readLines()[1].startsWith('reads\t')
        assert found[1].text.contains('samtools')
    }
    MULTIQC.out.versions.toList().subscribe { found ->
        assert "${found}" ==~ /\[\[MULTIQC, multiqc, \d\S+]]/
    }
}
