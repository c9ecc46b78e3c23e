internal import AttentionTrace
private import Foundation

/// When, how often and how far a latent moves down the gradient of a loss.
///
/// Chefer et al., Attend-and-Excite, SIGGRAPH 2023, algorithm 1 and section 4:
///
/// | here | there |
/// | --- | --- |
/// | `stepSize(_:of:)` | α_t |
/// | `thresholds` | T_t for the iterations {t₁, …, t_k} of iterative refinement |
///
/// Every method that follows a loss has one, each with the numbers that were published for it.
public struct GradientSchedule: Hashable, Sendable {
  /// The latent moves while the iteration is below this.
  public var maxIterations: Int {
    get { givenIterations ?? publishedIterations }
    set { givenIterations = newValue }
  }
  /// The attention to reach, by iteration: for Attend-and-Excite that of every subject.
  public var thresholds: [Int: Double] {
    get { givenThresholds ?? publishedThresholds }
    set { givenThresholds = newValue }
  }
  private let publishedIterations: Int
  private let publishedThresholds: [Int: Double]
  /// What holds whatever the number of iterations; `nil` for what was published.
  private var givenIterations: Int?
  private var givenThresholds: [Int: Double]?
  /// α before its decay; `nil` for the checkpoint's, and where that has none for the method's.
  public var scaleFactor: Double?
  /// α is multiplied by the square root of a line between these two values over all iterations.
  public var scaleRange = [1.0, 0.5]
  /// The largest number of refinement tries at one iteration.
  public var maxRefinementSteps = 20
  /// The largest number of tries at the first iteration; `nil` for the same as at the others.
  public var maxFirstRefinementSteps: Int?
  /// The first iteration in which the latent moves.
  package var firstIteration = 0
  /// What a longer gradient is shortened to, by its norm over all numbers; `nil` for as it is.
  package var longestGradient: Float?
  /// The latent that a pass for the loss takes.
  public var lossInput = LossInput.scaled

  /// Attend-and-Excite's α before its decay.
  package static let publishedScaleFactor = 20.0

  /// Attend-and-Excite's schedule, except for the arguments, which hold whatever the number of steps.
  public init(
    maxIterations: Int? = nil, thresholds: [Int: Double]? = nil, scaleRange: [Double] = [1, 0.5],
    maxFirstRefinementSteps: Int? = nil
  ) {
    self = .published()
    (givenIterations, givenThresholds) = (maxIterations, thresholds)
    self.scaleRange = scaleRange
    self.maxFirstRefinementSteps = maxFirstRefinementSteps
  }

  /// A schedule as it was published, for 50 steps: a run of a few steps takes the same shares of its own
  /// iterations.
  public static func published(
    maxIterations: Int = 25, thresholds: [Int: Double] = [0: 0.05, 10: 0.5, 20: 0.8],
    scaleRange: [Double] = [1, 0.5], maxFirstRefinementSteps: Int? = nil
  ) -> Self {
    Self(
      publishedIterations: maxIterations, publishedThresholds: thresholds, scaleRange: scaleRange,
      maxFirstRefinementSteps: maxFirstRefinementSteps)
  }

  private init(
    publishedIterations: Int, publishedThresholds: [Int: Double], scaleRange: [Double],
    maxFirstRefinementSteps: Int?
  ) {
    self.publishedIterations = publishedIterations
    self.publishedThresholds = publishedThresholds
    self.scaleRange = scaleRange
    self.maxFirstRefinementSteps = maxFirstRefinementSteps
  }

  /// α of iteration `step`: 20 √r, r on a line from 1 to 0.5, in the published schedule.
  public func stepSize(_ step: Int, of count: Int) -> Float {
    let share = count > 1 ? Double(step) / Double(count - 1) : 0
    let line = scaleRange[0] + (scaleRange[1] - scaleRange[0]) * share
    return Float((scaleFactor ?? Self.publishedScaleFactor) * line.squareRoot())
  }

  /// Whether iteration `step` alters the latent or has a threshold.
  public func acts(at step: Int) -> Bool {
    step >= firstIteration && (step < maxIterations || thresholds[step] != nil)
  }

  /// The largest number of refinement tries at an iteration.
  package func tries(at step: Int) -> Int {
    step == 0 ? maxFirstRefinementSteps ?? maxRefinementSteps : maxRefinementSteps
  }

  /// The passes that iteration `step` may make: one for the loss, and where a threshold is, every try.
  public func looks(at step: Int) -> [MethodLook] {
    let tries = tries(at: step)
    let refines = thresholds[step] != nil && tries > 0 && step >= firstIteration
    var looks = refines || acts(at: step) ? [MethodLook(.loss)] : []
    if refines {
      for attempt in stride(from: 2, through: tries, by: 1) {
        looks.append(MethodLook(.refinement, attempt: attempt))
      }
      looks.append(MethodLook(.loss, attempt: tries))
    }
    return looks
  }

  /// The schedule with a number for α: a checkpoint's is for a published 20, others are in proportion.
  ///
  /// - Parameter iterations: how many a run of a few steps has; `nil` for a longer one.
  package func resolved(published: Double, checkpoint: Double?, iterations: Int?) -> Self {
    var schedule = self
    // Where the latent does not move from the first iteration on, it moves in one at least all the same.
    schedule.maxIterations =
      givenIterations
      ?? max(
        Self.share(of: publishedIterations, to: iterations),
        publishedIterations > firstIteration ? firstIteration + 1 : 0)
    schedule.thresholds = givenThresholds ?? scaledThresholds(to: iterations)
    schedule.scaleFactor =
      scaleFactor ?? checkpoint.map { $0 * (published / Self.publishedScaleFactor) } ?? published
    return schedule
  }
}

// MARK: - Runs of a few steps

extension GradientSchedule {
  /// Runs of at most so many steps take shares of the published iterations: the schedule of a longer
  /// one is the published one, as in the official code.
  package static let fewSteps = 8
  private static let publishedSteps = 50

  /// The share of so many published iterations that a run of `count` takes, at least one if there are any.
  ///
  /// - Parameter count: how many iterations a run of a few steps has; `nil` for a longer one.
  static func share(of published: Int, to count: Int?) -> Int {
    guard let count, published > 0 else { return published }
    return max(1, min(published, publishedSteps) * count / publishedSteps)
  }

  /// Thresholds at their published shares; of those that meet, the highest.
  private func scaledThresholds(to count: Int?) -> [Int: Double] {
    guard let count else { return publishedThresholds }
    return Dictionary(
      publishedThresholds.map {
        (max(firstIteration, $0.key * count / Self.publishedSteps), $0.value)
      },
      uniquingKeysWith: max)
  }

  /// What is altered and asked for in a run of so many iterations, in words.
  package func summary(of count: Int) -> String {
    let targets = thresholds.filter { $0.key >= firstIteration && $0.key < count }
      .sorted { $0.key < $1.key }.map { "\($0.value) at iteration \($0.key)" }
    let last = min(maxIterations, count)
    let altered =
      firstIteration == 0
      ? "in the first \(last) of \(count) iterations"
      : last > firstIteration
        ? "in the iterations \(firstIteration) to \(last - 1) of 0 to \(count - 1)"
        : "in none of \(count) iterations"
    return "the latent is altered \(altered)"
      + (targets.isEmpty ? "" : ", targets are " + targets.joined(separator: ", "))
  }
}

// MARK: - Knobs

extension GradientSchedule {
  /// More iterations or tries than this are a typing error.
  private static let mostSteps = 0...1000

  /// The schedule as a method's knobs.
  public static let knobs: [Knob<GradientSchedule>] = [
    Knob(
      "max-iter-to-alter", "Number of iterations in which the latent is altered.",
      placeholder: "number", expected: "0 to 1000",
      standard: { String($0.publishedIterations) },
      write: { $0.givenIterations.map { String($0) } },
      read: { schedule, text in
        guard let value = Int(text), mostSteps.contains(value) else { return false }
        schedule.maxIterations = value
        return true
      }),
    Knob(
      "thresholds", "Attention to reach at given iterations; none for no refinement.",
      placeholder: "iteration=share,…",
      expected: "iteration=attention pairs, each attention 0 to 1 and each iteration once, or none",
      standard: { text(of: $0.publishedThresholds) },
      write: { $0.givenThresholds.map(text) }, read: { $0.readThresholds($1) }),
    Knob.number(
      "scale-factor", \.scaleFactor, in: 0...1e6,
      standard: "the checkpoint's, or the published one", "Step size before its decay."
    ).also("step-size"),
    Knob(
      "scale-range",
      "The step size is multiplied by the square root of a line between these two values.",
      placeholder: "from,to", expected: "two numbers of 0 or more, as in 1.0,0.5",
      write: { $0.scaleRange.map { String($0) }.joined(separator: ",") },
      read: { schedule, text in
        guard let sides = Knob<GradientSchedule>.numbers(text, count: 2),
          sides.allSatisfy((0...1e6).contains)
        else { return false }
        schedule.scaleRange = sides
        return true
      }),
    // Before the number for the first iteration, which follows this one where it is not given.
    Knob(
      "max-refinement-steps", "Largest number of refinement tries at one iteration.",
      placeholder: "number", expected: "0 to 1000", write: { String($0.maxRefinementSteps) },
      read: { schedule, text in
        guard let value = Int(text), mostSteps.contains(value) else { return false }
        (schedule.maxRefinementSteps, schedule.maxFirstRefinementSteps) = (value, nil)
        return true
      }),
    Knob(
      "max-first-refinement-steps",
      "Largest number of refinement tries at the first iteration, if it differs from the others.",
      placeholder: "number", expected: "0 to 1000",
      write: { $0.maxFirstRefinementSteps.map { String($0) } },
      read: { schedule, text in
        guard let value = Int(text), mostSteps.contains(value) else { return false }
        schedule.maxFirstRefinementSteps = value
        return true
      }),
    .choice(
      "loss-input", \.lossInput,
      "The latent that a pass for the loss takes under Euler and LMS: scaled as for the noise, or "
        + "unscaled as in the published code."),
  ]

  private static func text(of thresholds: [Int: Double]) -> String {
    thresholds.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
  }

  private mutating func readThresholds(_ text: String) -> Bool {
    var read: [Int: Double] = [:]
    if text != "none", !text.isEmpty {
      for pair in text.split(separator: ",", omittingEmptySubsequences: false) {
        let sides = pair.split(separator: "=", omittingEmptySubsequences: false).map {
          $0.trimmingCharacters(in: .whitespaces)
        }
        guard sides.count == 2, let step = Int(sides[0]), step >= 0, let value = Double(sides[1]),
          (0...1).contains(value), read.updateValue(value, forKey: step) == nil
        else { return false }
      }
    }
    thresholds = read
    return true
  }
}
