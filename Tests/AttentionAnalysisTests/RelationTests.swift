import AttentionAnalysis
import Foundation
import TensorEngine
import TestSupport
import Testing

@Suite("Relations of words")
struct RelationTests {
  let goldens: StatisticsGoldens

  init() throws { goldens = try StatisticsGoldens.read() }

  /// Writes a file and reads it.
  private func read(
    _ text: String, _ analysis: DependencyFile.Analysis = .basic
  ) throws -> DependencyFile {
    try read(Array(text.utf8), analysis)
  }

  private func read(
    _ bytes: [UInt8], _ analysis: DependencyFile.Analysis = .basic
  ) throws -> DependencyFile {
    let folder = try TemporaryFolder()
    let path = folder.path + "/relations"
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    return try withExtendedLifetime(folder) {
      try DependencyFile(contentsOf: path, analysis: analysis)
    }
  }

  private func relation(_ relation: String, _ head: String, _ dependent: String) -> WordRelation {
    WordRelation(relation: relation, head: head, dependent: dependent)
  }

  // MARK: - Overlaps

  @Test("The overlaps of heads and dependents are NumPy's, and so are their means and intervals")
  func table() throws {
    let golden = goldens.relations
    let relations = golden.relations.map { relation($0[0], $0[1], $0[2]) }
    let (found, leftOut) = relations.overlaps(at: .relative(golden.share)) {
      golden.maps[$0]?.map
    }
    #expect(leftOut.isEmpty && found.map(\.relation) == relations)
    for (actual, expected) in zip(found, golden.overlaps) {
      expectSame(actual.overUnion, expected[0])
      expectSame(actual.overDependent, expected[1])
      expectSame(actual.overHead, expected[2])
    }
    let table = RelationTable(of: found, bootstrap: Bootstrap(resamples: 500, seed: 11))
    #expect(table.rows.map(\.relation) == golden.rows.map(\.relation))
    for (row, expected) in zip(table.rows, golden.rows) {
      #expect(row.count == expected.intervals[0].count)
      expectSame(row.overUnion, expected.intervals[0])
      expectSame(row.overDependent, expected.intervals[1])
      expectSame(row.overHead, expected.intervals[2])
    }
  }

  @Test("Relations of words without a map are left out and named, and NaN is counted")
  func leftOut() throws {
    let relations = [relation("amod", "cat", "red"), relation("det", "cat", "the")]
    let maps = ["cat": AttentionMap([1, 0]), "red": AttentionMap([1, .nan])]
    let (found, leftOut) = relations.overlaps(at: .absolute(0.5)) { maps[$0] }
    #expect(leftOut == [relations[1]])
    let row = try #require(RelationTable(of: found).rows.first)
    #expect(row.count == 1 && row.overUnion.leftOut == 1 && row.overUnion.estimate.isNaN)
  }

  // MARK: - Tables

  @Test(
    "A table is read with tabs or commas, with or without names, comments and quotes",
    arguments: [
      "relation,head,dependent\namod,frog#2,red\npunct,frog,\",\"\n",
      "\u{FEFF}# parsed by hand\r\n\r\n amod , frog#2 , red \r\npunct, \"frog\" ,\",\"",
      "Relation\tHead\tDependent\namod\tfrog#2\tred\npunct\tfrog\t,\n",
    ])
  func tables(text: String) throws {
    let file = try read(text)
    #expect(file.prompts.count == 1 && file.prompts[0].text == nil)
    #expect(
      file.prompts[0].relations == [
        relation("amod", "frog#2", "red"), relation("punct", "frog", ","),
      ])
  }

  @Test("Quotes within quotes are doubled")
  func quotes() throws {
    #expect(try read("a,\"b\"\"c,\",d").prompts[0].relations == [relation("a", "b\"c,", "d")])
  }

  // MARK: - CoNLL-U

  private static let twoFrogs = """
    # sent_id = 1
    # text = A red frog sees don't.
    1\tA\ta\tDET\t_\t_\t3\tdet\t3:det\t_
    2\tred\tred\tADJ\t_\t_\t3\tamod\t3:amod\t_
    3\tfrog\tfrog\tNOUN\t_\t_\t4\tnsubj\t4:nsubj|8:nsubj\t_
    4\tsees\tsee\tVERB\t_\t_\t0\troot\t0:root\t_
    5-6\tdon't\t_\t_\t_\t_\t_\t_\t_\t_
    5\tdo\tdo\tAUX\t_\t_\t4\taux\t4:aux\t_
    6\tn't\tnot\tPART\t_\t_\t4\tadvmod\t4.1:advmod\t_
    6.1\tsees\tsee\t_\t_\t_\t_\t_\t4:conj\t_
    7\t.\t.\tPUNCT\t_\t_\t4\tpunct\t4:punct\t_
    8\tby\tby\tADP\t_\t_\t4\tcase\t4:nmod:by\t_

    # text = Frog
    1\tFrog\tfrog\tNOUN\t_\t_\t0\troot\t0:root\t_
    # newdoc id = 2
    # text = cat sleeps
    1\tcat\tcat\tNOUN\t_\t_\t2\tnsubj\t2:nsubj\t_
    2\tsleeps\tsleep\tVERB\t_\t_\t0\troot\t0:root\t_
    """

  @Test("CoNLL-U gives each word but the root its head, and words by their occurrence")
  func basic() throws {
    let prompts = try read(Self.twoFrogs).prompts
    #expect(prompts.map(\.text) == ["A red frog sees don't. Frog", "cat sleeps"])
    #expect(
      prompts[0].relations == [
        relation("det", "frog#1", "A"), relation("amod", "frog#1", "red"),
        relation("nsubj", "sees", "frog#1"), relation("aux", "sees", "do"),
        relation("advmod", "sees", "n't"), relation("punct", "sees", "."),
        relation("case", "sees", "by"),
      ])
    #expect(prompts[1].relations == [relation("nsubj", "sleeps", "cat")])
  }

  @Test("The enhanced analysis has several heads, longer relations, and passes empty nodes over")
  func enhanced() throws {
    let windows = Self.twoFrogs.split(separator: "\n", omittingEmptySubsequences: false)
      .joined(separator: "\r\n")
    let relations = try read(windows, .enhanced).prompts[0].relations
    #expect(
      relations == [
        relation("det", "frog#1", "A"), relation("amod", "frog#1", "red"),
        relation("nsubj", "sees", "frog#1"), relation("nsubj", "by", "frog#1"),
        relation("aux", "sees", "do"), relation("punct", "sees", "."),
        relation("nmod:by", "sees", "by"),
      ])
  }

  @Test("A sentence without its text leaves the prompt without")
  func noText() throws {
    let text = Self.twoFrogs.replacing("# text = Frog\n", with: "")
    #expect(try read(text).prompts.map(\.text) == [nil, "cat sleeps"])
  }

  // MARK: - Errors

  private static let good = "1\tred\t_\t_\t_\t_\t2\tamod\t2:amod\t_\n"
  private static let root = "2\tcat\t_\t_\t_\t_\t0\troot\t0:root\t_\n"

  /// Tables and what their errors say.
  private static let badTables: [(String, String)] = [
    ("amod,cat\n", "line 1: expected relation, head and dependent"),
    ("amod,cat,red\n\namod,cat,red,blue\n", "line 3: expected relation, head and dependent"),
    ("amod\tcat\tred\namod,cat,red\n", "got 1 column"),
    ("# x\namod,cat,\n", "line 2: expected a dependent, got nothing"),
    ("head,relation,dependent\ncat,amod,red\n", "in this order, got head, relation, dependent"),
    ("amod,\"cat,red\n", "line 1: expected a closing quote"),
    ("amod,\"cat\"s,red\n", "line 1: expected nothing more"),
    ("", "the file is empty"), ("\n# only words\n", "got none"),
    ("relation,head,dependent\n", "got none"),
  ]

  /// What replaces a part of the second line of CoNLL-U, and what the error says.
  private static let badRoots: [(String, String, String)] = [
    ("2\t", "3\t", "line 2: expected word 2"),
    ("2\t", "x\t", "line 2: expected a word's number in column 1"),
    ("0\troot", "_\troot", "line 2: expected the number of the head's word in column 7, got \"_\""),
    ("0\troot", "-1\troot", "in column 7, got \"-1\""),
    ("0\troot", "2\troot", "as the head, got 2"),
    ("0\troot", "0\t_", "line 2: expected a relation in column 8"),
    ("cat", "", "line 2: expected a word in column 2"),
    ("\t_\n", "\n", "line 2: expected CoNLL-U's 10 columns between tabs, got 9"),
    (root, "", "line 1: expected another word's number"),
    (good + root, root, "line 1: expected word 1"),
  ]

  private func expectMalformed(_ text: String, _ expected: String) throws {
    let error = try #require(throws: FileError.self) { try read(text) }
    #expect(error.kind == .malformed)
    #expect(error.description.contains(expected), "\(error)")
  }

  @Test("What is wrong with a table is named with its line", arguments: badTables)
  func malformedTable(text: String, expected: String) throws {
    try expectMalformed(text, expected)
  }

  @Test("What is wrong with CoNLL-U is named with its line", arguments: badRoots.indices)
  func malformedTree(index: Int) throws {
    let (part, replacement, expected) = Self.badRoots[index]
    try expectMalformed((Self.good + Self.root).replacingLast(part, with: replacement), expected)
  }

  @Test(
    "An edge of the enhanced analysis needs a head and a relation",
    arguments: ["_", "2", ":amod", "x:amod", "2:amod|"])
  func malformedEdge(edge: String) throws {
    let text = Self.good.replacing("2:amod", with: edge) + Self.root
    let error = try #require(throws: FileError.self) { try read(text, .enhanced) }
    #expect(error.description.contains("line 1: expected a head and its relation in column 9"))
  }

  @Test("A file that is not there, or not text, is said to be so")
  func unreadable() throws {
    let missing = #expect(throws: FileError.self) {
      try DependencyFile(contentsOf: "/nowhere/relations.conllu")
    }
    #expect(missing?.kind == .missing)
    let binary = #expect(throws: FileError.self) { try read([0x61, 0xFF, 0x2C]) }
    #expect(binary?.reason == "expected text in UTF-8")
  }
}

extension String {
  /// With the last occurrence of `part` replaced.
  fileprivate func replacingLast(_ part: String, with replacement: String) -> String {
    guard let range = range(of: part, options: .backwards) else { return self }
    return replacingCharacters(in: range, with: replacement)
  }
}
