# drbfire for Ruby 3, with the interface of the gem of that name: for tests and examples where the gem cannot be
# had, or doesn't work with the Ruby that is there. Written from the protocol as docs/fire.md describes it; none of
# the gem's code is in here.
require 'delegate'
require 'drb'
require 'timeout'

module DRbFire
  ROLE = 'DRbFire::ROLE'
  SERVER = 'DRbFire::SERVER'
  CLIENT = 'DRbFire::CLIENT'
  DELEGATE = 'DRbFire::DELEGATE'

  CALLS = '1'
  CALLS_BACK = '2'
  CONTROL = '3'
  WANTED = '0'

  # How long a server waits for a connection that it has asked a client for.
  PATIENCE = 20

  # What drbfire says is within, and how its URIs begin.
  def self.below(config)
    protocol = config[DELEGATE] || DRb::DRbTCPSocket
    [protocol, protocol == DRb::DRbTCPSocket ? 'druby' : 'drbssl']
  end

  # The place, and the number of a client or the name of an object.
  def self.split(uri)
    raise DRb::DRbBadScheme, uri unless uri.start_with?('drbfire:')

    parts = %r{\Adrbfire:(//[^:?]*:\d+)(?:\?(.*))?\z}.match(uri)
    raise DRb::DRbBadURI, "can't parse uri:#{uri}" unless parts

    parts.captures
  end

  # A connection that calls go over.
  class Connection < SimpleDelegator
    attr_reader :uri

    def initialize(socket, uri)
      super(socket)
      @uri = uri
    end

    def self.dial(place, config, uri, purpose)
      protocol, scheme = DRbFire.below(config)
      connection = new(protocol.open("#{scheme}:#{place}", config), uri)
      connection.stream.write(purpose)
      connection
    end

    # The four bytes of a number; nil at the end of the connection.
    def number
      bytes = stream.read(4)
      bytes.unpack1('N') if bytes && bytes.size == 4
    end
  end

  # A client, as its server knows it.
  class Client
    def initialize(control)
      @control = control
      @opened = Queue.new
    end

    def opened(connection)
      @opened << connection
    end

    def connect
      raise DRb::DRbConnError, "the client has gone" unless @control.alive?

      @control.stream.write(WANTED)
      Timeout.timeout(PATIENCE) { @opened.pop }
    rescue Timeout::Error, SystemCallError, IOError => error
      raise DRb::DRbConnError, "no connection of the client: #{error.message}"
    end
  end

  # What listens.
  class Listener
    # A process has one.
    class << self
      attr_accessor :current
    end

    attr_reader :uri

    def initialize(place, config)
      protocol, scheme = DRbFire.below(config)
      @socket = protocol.open_server("#{scheme}:#{place}", config)
      @uri = @socket.uri.sub(/\A\w+/, 'drbfire')
      @clients = {}
      Listener.current = self
    end

    # The next connection with calls; nil when it is closed.
    def accept
      while (accepted = @socket.accept)
        connection = Connection.new(accepted, uri)
        case connection.stream.read(1)
        when CALLS then return connection
        when CALLS_BACK then @clients[connection.number]&.opened(connection)
        when CONTROL then welcome(connection)
        else connection.close
        end
      end
    end

    def connect(number)
      client = @clients[number] or raise DRb::DRbConnError, "no client #{number}"
      client.connect
    end

    def close
      @socket.close
    end

    def shutdown
      @socket.shutdown
    end

    private

    def welcome(control)
      number = @clients.size + 1
      @clients[number] = Client.new(control)
      control.stream.write([number].pack('N'))
    end
  end

  # What is called through a listener elsewhere.
  class Behind
    attr_reader :uri

    def initialize(place, config)
      @place = place
      @config = config
      @control = Connection.dial(place, config, nil, CONTROL)
      @number = @control.number or raise DRb::DRbConnError, 'the server gives no number'
      @uri = "drbfire:#{place}?#{@number}"
    end

    # A connection whenever one is wanted; nil when the server has gone.
    def accept
      return nil unless @control.stream.read(1) == WANTED

      Connection.dial(@place, @config, uri, CALLS_BACK + [@number].pack('N'))
    rescue IOError, SystemCallError, DRb::DRbConnError
      nil
    end

    def close
      @control.close
    end
  end

  module Protocol
    def self.open_server(uri, config)
      place, = DRbFire.split(uri)
      (config.fetch(ROLE) == SERVER ? Listener : Behind).new(place, config)
    end

    def self.open(uri, config)
      place, number = DRbFire.split(uri)
      return Connection.dial(place, config, uri, CALLS) unless config.fetch(ROLE) == SERVER

      Listener.current.connect(number.to_i)
    end

    def self.uri_option(uri, _config)
      place, option = DRbFire.split(uri)
      ["drbfire:#{place}", option]
    end
  end
end

DRb::DRbProtocol.add_protocol(DRbFire::Protocol)
