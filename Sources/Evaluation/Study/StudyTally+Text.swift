internal import AttentionAnalysis
private import Foundation

extension StudyTally {
  /// Aligned tables for reading, without the end of the last line.
  package var text: String {
    let count = counted(respondents, "respondent")
    let named = subsets.map { ($0.name ?? "without", $0.part) }
    let parts = (named.count > 1 ? named : []) + [("all prompts", whole)]
    let shares = parts.flatMap { name, part in
      zip(methods, part.shares).map { method, share in [name, method] + row(share) }
    }
    let agreement = parts.map { name, part in
      [name, String(part.prompts), number(part.kappa.estimate), ends(part.kappa)]
    }
    let places = positions.enumerated().map { [String($0 + 1)] + row($1) }
    let chance = 1 / Double(methods.count)
    let biased = positions.indices.filter {
      positions[$0].interval.lower > chance || positions[$0].interval.upper < chance
    }
    let verdict =
      respondents < 2 || prompts.count < 2
      ? "Without a bias each would be \(number(chance))."
      : biased.isEmpty
        ? "Each interval holds \(number(chance)), the share without a bias."
        : "Without a bias each would be \(number(chance)); the interval leaves it out at "
          + biased.map { "position \($0 + 1)" }.joined(separator: ", ") + "."
    return """
      Study \(study): \(count), \(counted(prompts.count, "prompt")).

      \(table(["subset", "method", "votes", "of", "share", "95 % interval"], shares, left: [0, 1]))

      Share: of the answers, over respondents and prompts (percentile bootstrap that draws both again).

      \(table(["subset", "prompts", "kappa", "95 % interval"], agreement, left: [0]))

      Kappa: Fleiss' agreement of the respondents, over prompts; 0 is chance, 1 is the same choice by all.

      \(table(["position", "votes", "of", "share", "95 % interval"], places, left: []))

      \(verdict)
      """
  }

  /// The same for programs, with the votes on every prompt; a number that is not defined is null.
  package var json: String {
    struct Interval: Encodable {
      let value, low, high: Double?

      init(_ interval: BootstrapInterval) {
        func known(_ value: Double) -> Double? { value.isNaN ? nil : value }
        (value, low) = (known(interval.estimate), known(interval.lower))
        high = known(interval.upper)
      }
      func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: Keys.self)
        try values.encode(value, forKey: .value)
        try values.encode(low, forKey: .low)
        try values.encode(high, forKey: .high)
      }
      enum Keys: String, CodingKey { case value, low, high }
    }
    struct Chosen: Encodable {
      let votes, of: Int
      let share: Interval

      init(_ share: Share) {
        (votes, of) = (share.votes, share.answers)
        self.share = Interval(share.interval)
      }
    }
    struct Subset: Encodable {
      let subset: String?
      let prompts: Int
      let shares: [String: Chosen]
      let kappa: Interval

      init(_ part: Part, _ methods: [String], subset: String? = nil) {
        (self.subset, prompts) = (subset, part.prompts)
        shares = Dictionary(uniqueKeysWithValues: zip(methods, part.shares.map(Chosen.init)))
        kappa = Interval(part.kappa)
      }
    }
    struct Asked: Encodable {
      let id, prompt: String
      let subset: String?
      let votes: [String: Int]
    }
    struct Document: Encodable {
      let study: String
      let respondents: Int
      let methods: [String]
      let all: Subset
      let subsets: [Subset]
      let positions: [Chosen]
      let prompts: [Asked]
    }
    let document = Document(
      study: study, respondents: respondents, methods: methods,
      all: Subset(whole, methods),
      subsets: subsets.map { Subset($0.part, methods, subset: $0.name) },
      positions: positions.map(Chosen.init),
      prompts: prompts.map { prompt in
        Asked(
          id: prompt.question.id, prompt: prompt.question.prompt,
          subset: prompt.question.subset,
          votes: Dictionary(uniqueKeysWithValues: zip(methods, prompt.votes)))
      })
    return TableText.json(document)
  }

  private func counted(_ count: Int, _ noun: String) -> String {
    "\(count) \(noun)\(count == 1 ? "" : "s")"
  }

  private func row(_ share: Share) -> [String] {
    [
      String(share.votes), String(share.answers), number(share.interval.estimate),
      ends(share.interval),
    ]
  }

  private func number(_ value: Double) -> String {
    value.isNaN ? "-" : String(format: "%.4f", value)
  }

  private func ends(_ interval: BootstrapInterval) -> String {
    interval.lower.isNaN ? "-" : "[\(number(interval.lower)), \(number(interval.upper))]"
  }

  private func table(_ titles: [String], _ rows: [[String]], left: Set<Int>) -> String {
    AlignedColumns([titles] + rows, leftAligned: left).text
  }
}
