/// The list of all methods.
public enum Methods {
  /// The methods that make pictures, with their published knobs, in the order in which help lists them.
  ///
  /// A method of one's own is added for a task by `Methods.$all.withValue(Methods.all + [mine])`, so
  /// that runs made by it can be read back as requests.
  @TaskLocal public static var all: [any Method] = [
    PlainDiffusion(),
    AttendAndExcite(),
    ComposableDiffusion(),
    StructureDiffusion(),
    PromptToPrompt(),
    SynGen(),
    EBAMA(),
    DivideAndBind(),
    Conform(),
    AStar(),
    BoxDiff(),
    PredicatedDiffusion(),
    InitNO(),
    SelfCross(),
    Storm(),
    Focus(),
    Jedi(),
    TEBOpt(),
    Magnet(),
    ToMe(),
    AttentionOverlap(.intersectionOverUnion),
    AttentionOverlap(.centreDistance),
    AttentionOverlap(.divergence),
    AttentionOverlap(.compactness),
    WeightedSum(),
  ]

  /// The method of a name, with its published knobs; `nil` if there is none.
  public static func named(_ name: some StringProtocol) -> (any Method)? {
    (all + [PictureExplanation()]).first { $0.name == name }
  }
}
