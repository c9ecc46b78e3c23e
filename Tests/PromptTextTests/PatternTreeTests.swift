import PromptText
import TestSupport
import Testing

@Suite("A tree of patterns")
struct PatternTreeTests {
  @Test("The longest pattern that a text begins with is found, as by trying each", arguments: 0..<8)
  func longest(seed: UInt64) {
    // Short sequences of two letters: many begin alike, and some are there twice.
    let patterns = Self.words(seed: seed, count: 12, longest: 4)
    var tree = PatternTree<Int>()
    for (index, pattern) in patterns.enumerated() { tree.add(index, of: pattern.unicodeScalars) }
    #expect(!tree.isEmpty)
    for text in Self.words(seed: seed + 100, count: 200, longest: 7) {
      let fitting = patterns.filter { text.unicodeScalars.starts(with: $0.unicodeScalars) }
      let expected = fitting.max { $0.count < $1.count }
      let found = tree.longest(in: text.unicodeScalars)
      #expect(found?.length == expected?.count)
      #expect(found?.value == expected.flatMap(patterns.firstIndex(of:)))
    }
  }

  @Test("Nothing begins a text with an empty pattern, or with none")
  func empty() {
    var tree = PatternTree<Int>()
    tree.add(1, of: "".unicodeScalars)
    #expect(tree.isEmpty && tree.longest(in: "a".unicodeScalars) == nil)
  }

  @Test("Twenty thousand patterns that begin as a long text does cost no more than a few")
  func many() {
    var tree = PatternTree<Int>()
    for index in 0..<20_000 { tree.add(index, of: "<\(index)>".unicodeScalars) }
    let text = Array(String(repeating: "<", count: 60_000).unicodeScalars)
    let time = ContinuousClock().measure {
      let none = text.indices.allSatisfy { tree.longest(in: text[$0...]) == nil }
      #expect(none)
    }
    // Trying each takes a minute and more.
    #expect(time < .seconds(5), "\(time)")
  }

  /// Words of the letters a and b, at least one letter each.
  private static func words(seed: UInt64, count: Int, longest: Int) -> [String] {
    var numbers = SeededNumbers(seed: seed)
    return (0..<count).map { _ in
      let length = 1 + Int(numbers.next() % UInt64(longest))
      return String((0..<length).map { _ in numbers.next() % 2 == 0 ? "a" : "b" })
    }
  }
}
