/// What differs when the same run is made again; comparisons of runs ignore it.
public struct RunProvenance: Hashable, Sendable, Codable {
  /// Where a file or folder that a run read was found.
  public struct Source: Hashable, Sendable, Codable {
    /// The absolute path.
    public var path: String
    /// How it was read, by option, as in `variant`; empty for the usual way.
    public var options: [String: String]

    /// A place, and how it was read.
    public init(path: String, options: [String: String] = [:]) {
      self.path = path
      self.options = options
    }
  }

  /// A program that recorded a run of another one's pipeline, and what it ran in.
  public struct Recorder: Hashable, Sendable, Codable {
    /// Which attention layers were recorded.
    public struct Coverage: Hashable, Sendable, Codable {
      /// A layer that was left out.
      public struct Left: Hashable, Sendable, Codable {
        /// The layer's path.
        public var path: String
        /// Why it was left out.
        public var reason: String

        /// A layer and why it was left out.
        public init(path: String, reason: String) {
          self.path = path
          self.reason = reason
        }
      }

      /// The number of layers recorded.
      public var recorded: Int
      /// The number of attention layers that ran.
      public var layers: Int
      /// The layers that were left out.
      public var left: [Left]

      /// A coverage by its numbers.
      public init(recorded: Int, layers: Int, left: [Left]) {
        self.recorded = recorded
        self.layers = layers
        self.left = left
      }
    }

    /// The recorder's name, as in `heed_record`.
    public var name: String
    /// Its version.
    public var version: String
    /// The versions of what it ran in, by name, as in `torch`.
    public var versions: [String: String]
    /// The device, as in `cuda:0`.
    public var device: String
    /// The type of the denoiser's numbers, as in `bfloat16`.
    public var dtype: String
    /// How attention was computed, as in `native`.
    public var backend: String
    /// Which layers were recorded.
    public var coverage: Coverage

    /// A recorder by what it says of itself.
    public init(
      name: String, version: String, versions: [String: String], device: String, dtype: String,
      backend: String, coverage: Coverage
    ) {
      self.name = name
      self.version = version
      self.versions = versions
      self.device = device
      self.dtype = dtype
      self.backend = backend
      self.coverage = coverage
    }
  }

  /// Heed's version, whose format it is.
  public var version: String
  /// When the run began, ISO 8601 in UTC.
  public var date: String
  /// Seconds the denoising took, those before interruptions too; `nil` until the run is complete.
  public var seconds: Double?
  /// The machine's name.
  public var host: String
  /// What the kernels were compiled for, as in `avx512`; `nil` where it is not known.
  public var instructionSet: String?
  /// The command as it was given, without the program's own path; empty if no command made the run.
  public var commandLine: [String]
  /// Where the checkpoint was.
  public var checkpoint: Source?
  /// Where the LoRAs were, in the order in which they were added.
  public var loras: [Source]
  /// Where the embeddings of added words were, in their order.
  public var embeddings: [Source]
  /// Where the start picture was.
  public var picture: Source?
  /// What recorded the run; `nil` for Heed itself.
  public var recorder: Recorder?

  /// How and where a run is made.
  public init(
    version: String, date: String, seconds: Double? = nil, host: String = "",
    instructionSet: String? = nil, commandLine: [String] = [], checkpoint: Source? = nil,
    loras: [Source] = [],
    embeddings: [Source] = [], picture: Source? = nil, recorder: Recorder? = nil
  ) {
    self.version = version
    self.date = date
    self.seconds = seconds
    self.host = host
    self.instructionSet = instructionSet
    self.commandLine = commandLine
    self.checkpoint = checkpoint
    self.loras = loras
    self.embeddings = embeddings
    self.picture = picture
    self.recorder = recorder
  }

  /// Reads what is known of a run; one that names no embeddings has none.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    version = try container.decode(String.self, forKey: .version)
    date = try container.decode(String.self, forKey: .date)
    seconds = try container.decodeIfPresent(Double.self, forKey: .seconds)
    host = try container.decode(String.self, forKey: .host)
    instructionSet = try container.decodeIfPresent(String.self, forKey: .instructionSet)
    commandLine = try container.decode([String].self, forKey: .commandLine)
    checkpoint = try container.decodeIfPresent(Source.self, forKey: .checkpoint)
    loras = try container.decode([Source].self, forKey: .loras)
    embeddings = try container.decodeIfPresent([Source].self, forKey: .embeddings) ?? []
    picture = try container.decodeIfPresent(Source.self, forKey: .picture)
    recorder = try container.decodeIfPresent(Recorder.self, forKey: .recorder)
  }
}
