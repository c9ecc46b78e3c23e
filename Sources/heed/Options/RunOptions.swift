import ArgumentParser

/// What decides pictures and their recording besides prompt, methods and seeds.
struct RunOptions: ParsableArguments {
  @OptionGroup var batch: BatchOptions
  @OptionGroup(title: "Model") var model: ModelOptions
  @OptionGroup(title: "Sampling") var sampling: SamplingOptions
  @OptionGroup(title: "Picture") var start: PictureOptions
  @OptionGroup(title: "Attend-and-Excite") var excitation: ExcitationOptions
  @OptionGroup(title: "Its successors") var objectives: ObjectiveOptions
  @OptionGroup(title: "Other methods") var methods: MethodOptions
  @OptionGroup(title: "Recording") var recording: RecordingOptions
}
