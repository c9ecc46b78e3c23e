package import AttentionAnalysis

/// What respondents of a study chose, by method and by position, and how far they agree.
package struct StudyTally: Sendable {
  /// How often a method or a position was chosen.
  package struct Share: Sendable {
    /// How many answers chose it.
    let votes: Int
    /// Of how many answers.
    let answers: Int
    /// Its share of the answers, with the interval over respondents and prompts.
    let interval: BootstrapInterval
  }

  /// The answers about some of the prompts.
  package struct Part: Sendable {
    /// How many prompts were asked about.
    let prompts: Int
    /// By method, in the key's order.
    let shares: [Share]
    /// Fleiss' kappa with its interval over prompts; NaN with one respondent.
    let kappa: BootstrapInterval
  }

  /// The answers about one prompt.
  package struct Prompt: Sendable {
    /// The prompt.
    let question: StudyKey.Question
    /// How often each method was chosen, in the key's order.
    let votes: [Int]
  }

  /// The study's methods, in the key's order.
  let methods: [String]
  /// What tells the study from others.
  let study: String
  /// How many people answered.
  let respondents: Int
  /// The answers about each subset, in the key's order; the name is `nil` for prompts without one.
  let subsets: [(name: String?, part: Part)]
  /// The answers about all prompts.
  let whole: Part
  /// The positions of sets on the page, from the first; without a bias, all have the same share.
  let positions: [Share]
  /// The prompts, in the key's order.
  let prompts: [Prompt]

  /// Counts the answers of all respondents.
  package init(
    _ key: StudyKey, _ answers: [StudyAnswers], bootstrap: Bootstrap = Bootstrap()
  ) {
    (methods, study, respondents) = (key.methods, key.study, answers.count)
    func share(_ questions: [Int], _ isChosen: (StudyAnswers.Answer) -> Bool) -> Share {
      let samples = answers.map { one in
        questions.map { isChosen(one.answers[$0]) ? 1.0 : 0 }
      }
      return Share(
        votes: samples.reduce(0) { $0 + $1.count { $0 == 1 } },
        answers: answers.count * questions.count,
        interval: bootstrap.crossedInterval(of: samples))
    }
    let votes = key.questions.indices.map { place in
      key.methods.map { method in answers.count { $0.answers[place].method == method } }
    }
    func part(_ questions: [Int]) -> Part {
      Part(
        prompts: questions.count,
        shares: key.methods.map { method in share(questions) { $0.method == method } },
        kappa: FleissKappa.interval(counts: questions.map { votes[$0] }, bootstrap))
    }
    let all = Array(key.questions.indices)
    subsets = key.questions.map(\.subset).uniqued.map { subset in
      (subset, part(all.filter { key.questions[$0].subset == subset }))
    }
    whole = part(all)
    positions = key.methods.indices.map { position in share(all) { $0.position == position } }
    prompts = zip(key.questions, votes).map { Prompt(question: $0, votes: $1) }
  }
}
