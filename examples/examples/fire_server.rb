# The object of fire_server.rs in Ruby: ruby fire_server.rb drbfire://localhost:9000
#
# It needs the gem drbfire, or what the tests have in its place: ruby -I tests/ruby/fire …
require 'drb/drbfire'

class News
  include DRbUndumped

  def initialize
    @readers = []
  end

  def each(&block)
    ['there is fresh tea', 'the milk is sour'].each(&block).size
  end

  def subscribe(reader)
    @readers << reader
  end

  def publish(news)
    @readers.select! do |reader|
      reader.hear(news)
      true
    rescue DRb::DRbConnError
      false
    end
    @readers.size
  end
end

DRb.start_service(ARGV.fetch(0), News.new, DRbFire::ROLE => DRbFire::SERVER)
puts "ready #{DRb.uri}"
$stdout.flush
DRb.thread.join
