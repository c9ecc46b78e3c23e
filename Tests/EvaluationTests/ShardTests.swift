import Evaluation
import Testing

@Suite("Shards of a benchmark")
struct ShardTests {
  private static let keys = (0..<101).map { "method-\($0 % 3)/prompt-\($0 / 7)/\($0)" }

  @Test("hold each run once, whatever order runs are named in", arguments: [1, 2, 3, 8, 101, 500])
  func partition(count: Int) throws {
    let shards = try (0..<count).map { try #require(Shard("\($0)/\(count)")) }
    let parts = shards.map { $0.items(of: Self.keys) { $0 } }
    #expect(parts.flatMap(\.self).sorted() == Self.keys.sorted())
    let sizes = parts.map(\.count)
    #expect((sizes.max() ?? 0) - (sizes.min() ?? 0) <= 1)
    for (shard, part) in zip(shards, parts) {
      #expect(Set(shard.items(of: Self.keys.reversed()) { $0 }) == Set(part))
    }
  }

  @Test(
    "are named by i/n with i below n",
    arguments: [
      "", "1", "2/2", "3/2", "-1/2", "1/0", "0/0", "1/2/3", "a/2", "1/ 2", "+1/2", "0/99999999",
    ])
  func badNames(text: String) { #expect(Shard(text) == nil) }

  /// The variables of a task of a Slurm array.
  private static func slurm(_ id: Int, _ range: ClosedRange<Int>, step: Int = 1, count: Int)
    -> [String: String]
  {
    [
      "SLURM_ARRAY_TASK_ID": "\(id)", "SLURM_ARRAY_TASK_MIN": "\(range.lowerBound)",
      "SLURM_ARRAY_TASK_MAX": "\(range.upperBound)", "SLURM_ARRAY_TASK_STEP": "\(step)",
      "SLURM_ARRAY_TASK_COUNT": "\(count)",
    ]
  }

  private struct Told: Sendable {
    let variables: [String: String]
    var count: Int?
    let shard: String
  }

  private static let told = [
    Told(variables: slurm(7, 5...8, count: 4), shard: "3/4"),
    Told(variables: slurm(3, 1...4, count: 4), shard: "3/4"),
    // The same task, submitted again alone, and with another one.
    Told(variables: slurm(3, 3...3, count: 1), count: 4, shard: "3/4"),
    Told(variables: slurm(3, 1...3, step: 2, count: 2), count: 4, shard: "3/4"),
    Told(variables: slurm(4, 0...6, step: 2, count: 4), count: 8, shard: "4/8"),
    Told(variables: slurm(6, 0...6, step: 3, count: 3), count: 4, shard: "2/4"),
    Told(variables: slurm(0, 0...0, count: 1), shard: "0/1"),
    Told(variables: slurm(7, 3...7, count: 2), count: 8, shard: "7/8"),
    Told(
      variables: [
        "SGE_TASK_ID": "1", "SGE_TASK_FIRST": "1", "SGE_TASK_LAST": "12", "SGE_TASK_STEPSIZE": "1",
      ], shard: "1/12"),
    Told(
      variables: ["LSB_JOBINDEX": "8", "LSB_JOBINDEX_END": "8", "LSB_JOBINDEX_STEP": "1"],
      count: 4, shard: "0/4"),
    Told(variables: ["PBS_ARRAY_INDEX": "3"], count: 8, shard: "3/8"),
    Told(variables: ["HQ_TASK_ID": "8"], count: 8, shard: "0/8"),
    Told(variables: ["JOB_COMPLETION_INDEX": "0"], count: 5, shard: "0/5"),
  ]

  @Test("are told by job arrays", arguments: told.indices)
  func arrays(index: Int) throws {
    let told = Self.told[index]
    let shard = try Shard(ofArrayIn: told.variables, count: told.count)
    #expect(shard?.description == told.shard)
  }

  @Test(
    "are made by an array's tasks each once, whatever number it begins with",
    arguments: [0...7, 1...8, 5...8, 13...17])
  func wholeArray(tasks: ClosedRange<Int>) throws {
    let parts = try tasks.map { task in
      try Shard(ofArrayIn: Self.slurm(task, tasks, count: tasks.count), count: nil)?.index
    }
    #expect(Set(parts) == Set(0..<tasks.count))
    for (task, part) in zip(tasks, parts) {
      let again = try Shard(
        ofArrayIn: Self.slurm(task, task...task, count: 1), count: tasks.count)
      #expect(again?.index == part)
    }
  }

  private static let untold: [(variables: [String: String], words: String)] = [
    (["PBS_ARRAY_INDEX": "3"], "PBS_ARRAY_INDEX does not tell how many tasks"),
    (["HQ_TASK_ID": "3"], "--shards N"), (["JOB_COMPLETION_INDEX": "3"], "--shards N"),
    (
      ["LSB_JOBINDEX": "5", "LSB_JOBINDEX_END": "8", "LSB_JOBINDEX_STEP": "1"],
      "LSF's LSB_JOBINDEX does not tell how many tasks there are; give --shards N"
    ),
    (slurm(4, 0...6, step: 2, count: 4), "counts in steps of 2"),
    (slurm(9, 1...9, count: 3), "has gaps"), (slurm(3, 1...9, step: 4, count: 3), "has gaps"),
  ]

  @Test("are not guessed where an array does not tell its tasks", arguments: untold.indices)
  func arraysWithoutCount(index: Int) {
    let error = #expect(throws: EvaluationError.self) {
      try Shard(ofArrayIn: Self.untold[index].variables, count: nil)
    }
    #expect(error?.description.contains(Self.untold[index].words) == true)
  }

  @Test("are not missed by an array that counts in steps and is told how many there are")
  func steps() {
    let error = #expect(throws: EvaluationError.self) {
      try Shard(ofArrayIn: Self.slurm(2, 0...6, step: 2, count: 4), count: 4)
    }
    #expect(error?.description.contains("expected steps of 1") == true)
  }

  @Test(
    "are the whole outside of arrays",
    arguments: [[:], ["SGE_TASK_ID": "undefined"], ["LSB_JOBINDEX": "0"]])
  func none(variables: [String: String]) throws {
    #expect(try Shard(ofArrayIn: variables, count: nil) == nil)
  }
}
