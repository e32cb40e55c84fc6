// Three peptides for one target: those of the table are in FASTA and on the page.
include { GENOSEQ_PEPTIDES } from '../main'

workflow {
    def targets = channel.fromPath("${projectDir}/../../../../../data/targets.fa.gz")
    GENOSEQ_PEPTIDES(targets.splitFasta(limit: 1, file: true).map { path -> [[id: 'target'], path] }, [])
    def out = GENOSEQ_PEPTIDES.out
    out.table.join(out.fasta).join(out.page).toList().subscribe { found ->
        def (meta, table, fasta, page) = found[0]
        assert found.size() == 1 && meta == [id: 'target']
        assert table.name == 'target.peptides.tsv'
        assert fasta.name == 'target.peptides.fa'
        assert page.name == 'target.peptides.html'
        def peptides = fasta.readLines().findAll { line -> !line.startsWith('>') }
        assert peptides.size() == 3
        def rows = table.readLines().findAll { line -> line.startsWith('sp|') }
        assert rows.collect { row -> row.split('\t')[3] } == peptides
        assert peptides.every { peptide -> page.text.contains(peptide) }
    }
    GENOSEQ_PEPTIDES.out.versions.toList().subscribe { found ->
        assert "${found}" ==~ /\[\[GENOSEQ_PEPTIDES, genoseq, \d\S+]]/
    }
}
