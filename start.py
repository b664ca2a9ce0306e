def use_own_python(): pass
