import ArgumentParser
import Evaluation
import Foundation

/// Which part of a benchmark a process makes.
struct ShardOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Work on one of equal parts, as in 3/128; parts count from 0. (default: as a job array says)",
      valueName: "i/n"))
  var shard: String?

  @Option(
    help: ArgumentHelp(
      "How many parts there are; which is worked on, the job array tells.", valueName: "n"))
  var shards: Int?

  func validate() throws {
    if shard != nil, shards != nil {
      throw ValidationError("--shard and --shards exclude each other")
    }
    if let shard, Shard(shard) == nil {
      throw ValidationError(
        "--shard is '\(shard)'; expected i/n with i from 0 to n - 1, as in 3/128")
    }
    if let shards, !(1...Shard.most).contains(shards) {
      throw ValidationError("--shards is \(shards); expected 1 to \(Shard.most)")
    }
  }

  /// The part that is named, or that is the process's in its job array; the whole without either.
  func chosen() throws -> Shard {
    if let shard { return Shard(shard) ?? .whole }
    let variables = ProcessInfo.processInfo.environment
    if let shard = try Shard(ofArrayIn: variables, count: shards) {
      Message.note("shard \(shard)")
      return shard
    }
    guard shards == nil else {
      throw Failure(
        .usage, "--shards is for a task of a job array; name the part itself by --shard i/n")
    }
    return .whole
  }
}
