internal import TensorEngine

/// One of several equal parts of a benchmark, made by a process of its own.
package struct Shard: Hashable, Sendable, CustomStringConvertible {
  /// Which part, from 0.
  package let index: Int
  /// How many parts there are.
  package let count: Int

  /// The most parts that a benchmark is cut into.
  package static let most = 1 << 24

  package var description: String { "\(index)/\(count)" }

  /// The whole.
  package static let whole = Shard(index: 0, count: 1)

  private init(index: Int, count: Int) { (self.index, self.count) = (index, count) }

  /// The part that a text names, as in `3/128`: the parts of 128 are 0/128 to 127/128.
  package init?(_ text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, let index = Self.number(parts[0]), let count = Self.number(parts[1]),
      count <= Self.most, index < count
    else { return nil }
    self.init(index: index, count: count)
  }

  private static func number(_ text: Substring) -> Int? {
    guard !text.isEmpty, text.allSatisfy({ $0.isASCII && $0.isNumber }) else { return nil }
    return Int(text)
  }

  /// The items of this part, in their order.
  ///
  /// It depends on what the items are and not on their order, and deals them out in turns, so that
  /// parts are as large as each other.
  /// - Parameter key: what tells an item from all others.
  package func items<Item>(of all: [Item], by key: (Item) -> String) -> [Item] {
    guard count > 1 else { return all }
    let places = all.map(key).enumerated().sorted {
      // Bytes, whatever the locale.
      $0.element.utf8.lexicographicallyPrecedes($1.element.utf8)
    }
    var isMine = [Bool](repeating: false, count: all.count)
    for (rank, place) in places.enumerated() where rank % count == index {
      isMine[place.offset] = true
    }
    return zip(all, isMine).filter(\.1).map(\.0)
  }
}

// MARK: - Job arrays

extension Shard {
  /// The part that a task of a scheduler's job array makes; `nil` outside of one.
  ///
  /// A task's number modulo the number of parts is its part, whatever number an array begins with: a
  /// task that is submitted again by its number makes the same part of the same `count`.
  ///
  /// - Parameters:
  ///   - variables: the process's environment.
  ///   - count: how many parts there are; `nil` for the number of the array's tasks.
  /// - Throws: ``EvaluationError/shards(reason:)`` where the array does not tell its number of tasks, has
  ///   gaps, or counts in steps by which its tasks miss parts.
  package init?(ofArrayIn variables: [String: String], count: Int?) throws {
    for array in JobArray.all {
      guard let text = variables[array.task], let task = Int(text), task >= array.first else {
        continue
      }
      let tasks = array.tasks(variables)
      let told = tasks.flatMap { $0.contains(task) && $0.count <= Self.most ? $0 : nil }
      guard let count = count ?? told?.count else {
        throw EvaluationError.shards(
          reason: tasks == nil
            ? "\(array.scheduler)'s \(array.task) does not tell how many tasks there are; give "
              + "--shards N"
            : "the job array of \(array.scheduler) has gaps; give --shards N, the number of parts of "
              + "the whole")
      }
      if let told, told.misses(partsOf: count) {
        throw EvaluationError.shards(
          reason:
            "the job array of \(array.scheduler) counts in steps of \(told.step), and a task's "
            + "number modulo \(count) is its part: expected steps of 1, by which no part is missed")
      }
      self.init(index: task % count, count: count)
      return
    }
    return nil
  }

  /// The numbers of an array's tasks.
  private struct Tasks {
    let first: Int
    let step: Int
    /// None where they have gaps.
    let count: Int

    func contains(_ task: Int) -> Bool {
      task >= first && (task - first) % step == 0 && (task - first) / step < count
    }

    /// Whether tasks make a part twice while others have no task.
    func misses(partsOf parts: Int) -> Bool {
      var (divisor, rest) = (parts, step)
      while rest != 0 { (divisor, rest) = (rest, divisor % rest) }
      return parts / divisor < min(count, parts)
    }
  }

  /// The variables of a scheduler's array.
  private struct JobArray {
    let scheduler: String
    /// Tells the task's number.
    let task: String
    /// The least number of a task; smaller ones, and what is no number, say that there is no array.
    var first = 0
    /// Tell the first and the last task's number and the step between two.
    var bounds: (first: String, last: String, step: String)?
    /// Tells the number of tasks.
    var count: String?

    /// - Source: the schedulers' manuals: sbatch(1), qsub(1) of Grid Engine, bsub's job arrays, and
    ///   those of PBS, HyperQueue and Kubernetes, which tell the task's number alone.
    static let all = [
      JobArray(
        scheduler: "Slurm", task: "SLURM_ARRAY_TASK_ID",
        bounds: (
          "SLURM_ARRAY_TASK_MIN", "SLURM_ARRAY_TASK_MAX", "SLURM_ARRAY_TASK_STEP"
        ), count: "SLURM_ARRAY_TASK_COUNT"),
      JobArray(
        scheduler: "SGE", task: "SGE_TASK_ID", first: 1,
        bounds: ("SGE_TASK_FIRST", "SGE_TASK_LAST", "SGE_TASK_STEPSIZE")),
      // LSF tells the last number, and not the first.
      JobArray(scheduler: "LSF", task: "LSB_JOBINDEX", first: 1),
      JobArray(scheduler: "PBS", task: "PBS_ARRAY_INDEX"),
      JobArray(scheduler: "HyperQueue", task: "HQ_TASK_ID"),
      JobArray(scheduler: "Kubernetes", task: "JOB_COMPLETION_INDEX"),
    ]

    /// The numbers of its tasks; `nil` where it does not tell them.
    func tasks(_ variables: [String: String]) -> Tasks? {
      func number(_ name: String?) -> Int? { name.flatMap { variables[$0] }.flatMap { Int($0) } }
      guard let bounds, let first = number(bounds.first), let last = number(bounds.last),
        last >= first, first >= 0, last < .max
      else { return nil }
      let step = max(1, number(bounds.step) ?? 1)
      let count = (last - first) / step + 1
      return Tasks(
        first: first, step: step, count: number(self.count) ?? count == count ? count : 0)
    }
  }
}
