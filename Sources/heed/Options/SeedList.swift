import Evaluation

/// `0..3`, or `0,2,7`, or a mix: seeds in the order given.
struct SeedList {
  let seeds: [UInt64]

  /// The most seeds of one command; more is a typing error.
  private static let limit: UInt64 = 100_000

  init(_ text: String) throws {
    var seeds: [UInt64] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let bounds = String(part).components(around: "..")
      guard let first = bounds.first.flatMap({ UInt64($0) }),
        let last = bounds.last.flatMap({ UInt64($0) }), bounds.count <= 2, first <= last,
        last - first < Self.limit
      else {
        throw Failure(
          .usage,
          "--seeds is '\(text)'; '\(part)' is neither a seed nor a range, as in 0..3 or 7,12")
      }
      seeds += Array(first...last)
    }
    guard Set(seeds).count == seeds.count else {
      throw Failure(.usage, "--seeds is '\(text)'; a seed is given twice")
    }
    self.seeds = seeds
  }

  /// Seeds that a benchmark has.
  /// - Throws: ``Failure`` also for a seed that it has not.
  init(_ text: String, of record: BenchmarkRecord) throws {
    try self.init(text)
    let there = record.seeds
    guard let missing = seeds.first(where: { !there.contains($0) }) else { return }
    let names = there.map(String.init)
    let all =
      names.count <= 12
      ? names.joined(separator: ", ")
      : "its \(names.count) seeds, \(names[0]) to \(names[names.count - 1])"
    throw Failure(
      .usage, "--seeds: the benchmark has no seed \(missing); expected some of \(all)")
  }
}
