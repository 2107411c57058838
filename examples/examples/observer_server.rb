# The thermometer of observer_server.rs in Ruby: ruby observer_server.rb druby://localhost:9000
require 'drb'
require 'drb/unix'
require 'drb/observer'

class Thermometer
  include DRb::DRbObservable

  def initialize
    @degrees = 0.0
  end

  def degrees=(degrees)
    changed if degrees != @degrees
    @degrees = degrees
    notify_observers(degrees)
  end
end

DRb.start_service(ARGV.fetch(0), Thermometer.new)
puts "ready #{DRb.uri}"
$stdout.flush
DRb.thread.join
