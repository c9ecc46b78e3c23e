internal import AttentionTrace
internal import PromptText

/// A gradient method whose loss reads nouns with their modifiers.
public protocol GroupMethod: GradientMethod, WordGrouping {}

extension GroupMethod {
  public static var knobs: [Knob<Self>] { groupKnobs }

  /// The knobs of its groups, schedule and smoothing.
  public static var groupKnobs: [Knob<Self>] { [groupsKnob] + scheduleKnobs }

  public func resolved(for run: PlannedRun) throws -> Self {
    try withStepSize(for: run).namingGroups(in: run.prompt)
  }
}
