private import Foundation
internal import TensorEngine

/// Which runs a benchmark consists of: each prompt of its suite, by each method, from each of its seeds.
package struct BenchmarkRecord: Hashable, Sendable, Codable {
  /// The version of the form.
  package private(set) var format = 1
  /// The suite's name.
  package let suite: String
  /// The checkpoint's name.
  package let model: String
  /// The methods' names, with what sets their runs apart: the folders of runs.
  package private(set) var methods: [String]
  /// The methods' names for people, in the same order.
  package private(set) var titles: [String]
  /// The seeds of any method, in increasing order.
  package private(set) var seeds: [UInt64]
  /// The seeds of those methods that have not all; `nil` where each method has.
  private var fewerSeeds: [String: [UInt64]]?

  /// The runs of `suite` by methods, which are pairs of name and title.
  package init(
    suite: String, model: String, methods: [(name: String, title: String)], seeds: [UInt64]
  ) {
    (self.suite, self.model, self.seeds) = (suite, model, seeds.sorted())
    (self.methods, titles) = (methods.map(\.name), methods.map(\.title))
  }

  /// Reads the file at `path`.
  /// - Throws: `FileError`.
  package init(path: String) throws {
    let file = try StrictJSON.open(path: path)
    // The decoder takes keys that are there twice, and other things that are no JSON.
    _ = try StrictJSON.read(file)
    let bytes = unsafe file.withBytes { unsafe Data($0) }
    do {
      self = try JSONDecoder().decode(BenchmarkRecord.self, from: bytes)
    } catch {
      throw FileError(
        .malformed, path: path, reason: "expected the record of a benchmark, got other JSON")
    }
    guard format == 1 else {
      throw FileError(
        .unsupported, path: path, subject: "format", reason: "expected 1, got \(format)")
    }
    guard methods.count == titles.count, Set(methods).count == methods.count,
      Set(seeds).count == seeds.count,
      (fewerSeeds ?? [:]).allSatisfy({ methods.contains($0) && Set($1).isSubset(of: seeds) })
    else {
      throw FileError(.malformed, path: path, reason: "expected each method and each seed once")
    }
    for method in methods {
      guard let flaw = FolderName.flaw(in: method) else { continue }
      throw FileError(
        .malformed, path: path, subject: "methods",
        reason: "expected names of folders, got \(FileError.quoted(method)), which \(flaw)")
    }
    guard !methods.contains(PhotoFolder.method) else {
      throw FileError(
        .malformed, path: path, subject: "methods",
        reason: "expected methods, got \(PhotoFolder.method), which photos are called in tables")
    }
  }

  /// The seeds of a method, in increasing order.
  package func seeds(of method: String) -> [UInt64] { fewerSeeds?[method]?.sorted() ?? seeds }

  /// The seeds that each of `methods` has, in increasing order.
  package func seeds(of methods: [String]) -> [UInt64] {
    seeds.filter { seed in methods.allSatisfy { seeds(of: $0).contains(seed) } }
  }

  /// One document, the same for the same record.
  package var json: [UInt8] {
    get throws {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
      return Array(try encoder.encode(self)) + [UInt8(ascii: "\n")]
    }
  }

  /// This with the methods and seeds of `other` that it lacks.
  /// - Throws: ``EvaluationError/benchmark(path:reason:)`` for another suite or model.
  func adding(_ other: BenchmarkRecord, path: String) throws -> BenchmarkRecord {
    for (what, there, new) in [("suite", suite, other.suite), ("model", model, other.model)]
    where there != new {
      throw EvaluationError.benchmark(
        path: path, reason: "expected \(what) \(there), got \(new): give another -o")
    }
    var sum = self
    for (name, title) in zip(other.methods, other.titles) where !methods.contains(name) {
      sum.methods.append(name)
      sum.titles.append(title)
    }
    sum.seeds = Set(seeds).union(other.seeds).sorted()
    let fewer = sum.methods.map { method in
      let own = [self, other].filter { $0.methods.contains(method) }
      return (method, Set(own.flatMap { $0.seeds(of: method) }).sorted())
    }.filter { $1 != sum.seeds }
    sum.fewerSeeds = fewer.isEmpty ? nil : Dictionary(uniqueKeysWithValues: fewer)
    return sum
  }
}
