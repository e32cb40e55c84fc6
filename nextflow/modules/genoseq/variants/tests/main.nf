// Every record gets a score.
include { GENOSEQ_VARIANTS } from '../main'

workflow {
    def data = file("${projectDir}/../../../../../data")
    def chunk = [id: 'calls', part: 'calls.1']
    def calls = channel.of(data / 'variants.vcf.gz').splitText(by: 18, file: true).first() // header, and 13 records
    GENOSEQ_VARIANTS(calls.map { vcf -> [chunk, vcf] }, [data / 'genome.fa.gz'])
    GENOSEQ_VARIANTS.out.vcf.toList().subscribe { found ->
        assert found.collect { meta, vcf -> [meta, vcf.name] } == [[chunk, 'calls.1.scored.vcf.gz']]
        def records = found[0][1].splitText().findAll { line -> !line.startsWith('#') }
        assert records.size() == 13
        assert records.every { record -> record =~ /GSLLR=-?\d/ }
    }
    GENOSEQ_VARIANTS.out.versions.toList().subscribe { found ->
        assert "${found}" ==~ /\[\[GENOSEQ_VARIANTS, genoseq, \d\S+]]/
    }
}
