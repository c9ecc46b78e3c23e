/// What a folder turned out to hold when a run was to be written into it.
public enum RunOpening {
  /// Nothing before.
  case fresh(RunWriter)
  /// The same run, cut off: ``RunWriter/calls`` is how far its journal got.
  case resumable(RunWriter)
  /// The same run, whole: there is nothing to do.
  case complete(RunManifest)
}
